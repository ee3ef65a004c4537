//! What traces ask the kernel for.

use crate::wire::wire;

/// The bit of all traces together among listeners. A gate with it asks the map `TRACED` instead of rules.
pub const LISTENER: u32 = 1 << 31;

/// Stands for whoever owns an event. No cgroup has this id.
pub const ANYBODY: u64 = 0;

/// What is wanted of whom: a key of the map `TRACED`, which userspace writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct TracedKey {
    /// The id of the cgroup that owns the events, or [`ANYBODY`].
    pub cgroup: u64,
    /// A number of [`Kind`](crate::kind::Kind).
    pub kind: u32,
    /// Which of the kind; 0 where that is all of it.
    pub detail: u32,
}

wire!(TracedKey { cgroup: u64, kind: u32, detail: u32 });
