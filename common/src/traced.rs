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
/// The bit of a call as which one may return whose beginning was noted of some owners. It stays, so that each note is taken away.
pub const NOTED: u32 = 8;
/// The same of anybody.
pub const NOTED_OF_ANYBODY: u32 = 16;

/// How many words the map `TRACED_OWNERS` has.
pub const OWNER_WORDS: u32 = 128;

/// The word of the map `TRACED_OWNERS` and the bit in it that are set if a trace wants, or wanted, system calls of a cgroup. Others
/// may have the same: who has not is surely of no interest.
#[inline(always)]
#[must_use]
pub const fn owner_bit(cgroup: u64) -> (u32, u64) {
    // The kernel counts cgroups up.
    ((cgroup >> 6) as u32 % OWNER_WORDS, 1 << (cgroup & 63))
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_owners_have_bits_of_their_own_as_there_are() {
        let mut words = [0; OWNER_WORDS as usize];
        for cgroup in 5000..5000 + 64 * u64::from(OWNER_WORDS) {
            let (word, bit) = owner_bit(cgroup);
            assert_eq!(words[word as usize] & bit, 0, "{cgroup}");
            words[word as usize] |= bit;
        }
    }
}
