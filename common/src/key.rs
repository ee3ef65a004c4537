//! The keys of the counting maps.
//!
//! One 64-bit word names an owner, a kind and a detail, so that a lookup hashes two words and compares one.

use crate::{kind::Kind, wire::wire};

const CGROUP_BITS: u32 = 40;
const KIND_BITS: u32 = 5;
const DETAIL_BITS: u32 = 19;

const _: () = assert!(Kind::COUNT <= 1 << KIND_BITS, "every kind fits");
const _: () = assert!(CGROUP_BITS + KIND_BITS + DETAIL_BITS == u64::BITS, "the parts fill the word");

/// Details are below this number.
pub const DETAIL_LIMIT: u32 = 1 << DETAIL_BITS;

/// The first cgroup id that does not fit into a key.
///
/// Ids come from `kernfs_idr` (fs/kernfs/dir.c): the upper half grows by one for every 2³¹ nodes created, so this id is
/// reached after 2³⁹ of them. Events of such a cgroup are counted in the `other` row.
pub const CGROUP_LIMIT: u64 = 1 << CGROUP_BITS;

/// The owner of what no cgroup owns: no cgroup has this id.
pub const NOBODY: u64 = 0;

/// Owner, kind and detail of an event: the key of the map `COUNTS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(C)]
pub struct CountKey {
    packed: u64,
}

wire!(CountKey { packed: u64 });

impl CountKey {
    /// The key, or nothing when the cgroup id is [`CGROUP_LIMIT`] or more. A detail is cut to 19 bits.
    #[inline(always)]
    #[must_use]
    pub const fn new(cgroup: u64, kind: Kind, detail: u32) -> Option<Self> {
        if cgroup >= CGROUP_LIMIT {
            return None;
        }
        let event = ((kind as u64) << DETAIL_BITS) | (detail & (DETAIL_LIMIT - 1)) as u64;
        Some(Self { packed: (cgroup << (KIND_BITS + DETAIL_BITS)) | event })
    }

    /// The key that the kernel stored.
    #[must_use]
    pub const fn from_bits(packed: u64) -> Self {
        Self { packed }
    }

    /// The word that the kernel stores.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.packed
    }

    /// The id of the cgroup that owns the event.
    #[must_use]
    pub const fn cgroup(self) -> u64 {
        self.packed >> (KIND_BITS + DETAIL_BITS)
    }

    /// The kind of the event; nothing for a number that this version does not know.
    #[must_use]
    pub const fn kind(self) -> Option<Kind> {
        Kind::from_number((self.packed >> DETAIL_BITS) as u8 & ((1 << KIND_BITS) - 1))
    }

    /// The detail: what it means depends on the kind, see [`crate::probes`].
    #[must_use]
    pub const fn detail(self) -> u32 {
        self.packed as u32 & (DETAIL_LIMIT - 1)
    }
}

/// A generated signal with its sender: the key of the map `EDGES`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(C)]
pub struct EdgeKey {
    /// The target's cgroup with kind [`Kind::SignalGenerate`].
    pub target: CountKey,
    /// The sender's cgroup id, or one of the constants of [`crate::probes::signal::sender`].
    pub sender: u64,
}

wire!(EdgeKey { target: CountKey, sender: u64 });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_back() {
        for kind in Kind::ALL {
            for cgroup in [0, 1, 0xdead_beef, CGROUP_LIMIT - 1] {
                for detail in [0, 1, DETAIL_LIMIT - 1] {
                    let key = CountKey::new(cgroup, kind, detail).expect("below the limit");
                    assert_eq!((key.cgroup(), key.kind(), key.detail()), (cgroup, Some(kind), detail));
                    assert_eq!(CountKey::from_bits(key.bits()), key);
                }
            }
        }
    }

    #[test]
    fn huge_cgroup_ids_have_no_key() {
        assert_eq!(CountKey::new(CGROUP_LIMIT, Kind::Exec, 0), None);
    }
}
