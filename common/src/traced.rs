//! What traces ask the kernel for.

use crate::wire::wire;

/// The bit of all traces together among listeners. A gate with it asks the map `TRACED` instead of rules.
pub const LISTENER: u32 = 1 << 31;

/// Stands for whoever owns an event. No cgroup has this id.
pub const ANYBODY: u64 = 0;

/// Stands for all of a kind, whichever of it.
pub const WHOLE: u32 = u32::MAX;

/// The bit of a system call that a trace wants of anybody. Elements of the map `TRACED_CALLS` are made of such bits.
pub const OF_ANYBODY: u32 = 1;
/// The bit of a call that a trace wants of some owners: `TRACED` tells of whom.
pub const OF_SOME: u32 = 2;
/// The bit of all calls while a trace wants all of some owners.
pub const ALL_OF_SOME: u32 = 4;
/// The bit of a call as which one may return whose beginning was noted. It stays, so that each note is taken away.
pub const NOTED: u32 = 8;

/// What is wanted of whom: a key of the map `TRACED`, which userspace writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct TracedKey {
    /// The id of the cgroup that owns the events, or [`ANYBODY`].
    pub cgroup: u64,
    /// A number of [`Kind`](crate::kind::Kind).
    pub kind: u32,
    /// Which of the kind: a call, the kernel's number of a tracepoint; or [`WHOLE`].
    pub detail: u32,
}

wire!(TracedKey { cgroup: u64, kind: u32, detail: u32 });
