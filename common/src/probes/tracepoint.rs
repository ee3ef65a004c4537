//! Tracepoints that the configuration names: how their hits are counted.
//!
//! A tracepoint has a number, which is the detail of its key. Where hits are split by the values of fields, they are in a map
//! of their own, whose key has these values too.

use crate::{key::CountKey, wire::wire};

/// How many tracepoints can be attached to at once.
pub const TRACEPOINTS: u32 = 1024;

/// By how many fields the hits of a tracepoint can be split.
pub const SPLITS: usize = 3;

/// Where the kernel finds a number in a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Place {
    /// Its first byte.
    pub offset: u16,
    /// How many bytes it has: 1, 2, 4 or 8; 0 for no number.
    pub bytes: u16,
}

wire!(Place { offset: u16, bytes: u16 });

/// By what the hits of a tracepoint are split: the element of the map `SPLITS` with the tracepoint's number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Splits {
    /// The numbers; those that are there come first.
    pub places: [Place; SPLITS],
}

wire!(Splits { places: [Place; SPLITS] });

/// Hits of a tracepoint with the same values: the key of the map `HITS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(C)]
pub struct HitKey {
    /// The cgroup with [`Kind::Tracepoint`](crate::kind::Kind::Tracepoint) and the tracepoint's number.
    pub owner: CountKey,
    /// What was at the places, without a sign; 0 where there is none.
    pub values: [u64; SPLITS],
}

wire!(HitKey { owner: CountKey, values: [u64; SPLITS] });
