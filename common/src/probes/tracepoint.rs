//! Tracepoints that the configuration names: how their hits are counted, and the event of a hit.
//!
//! A tracepoint has a number, which is the detail of its key. Where hits are split by the values of fields, they are in a map
//! of their own, whose key has these values too. Those whose hits are single events are numbered apart.

use crate::{
    event::{Header, Process},
    key::CountKey,
    wire::wire,
};

/// How many tracepoints can be attached to at once.
pub const TRACEPOINTS: u32 = 1024;

/// By how many fields the hits of a tracepoint can be split.
pub const SPLITS: usize = 3;

/// The position of the kernel's number of a tracepoint in the cookie of the program that sends its hits. Below is the number
/// that userspace gave it.
pub const ID_SHIFT: u32 = 32;

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

/// The longest record that the kernel makes of a hit (`PERF_MAX_TRACE_SIZE`, include/linux/trace_events.h).
pub const RECORD_BYTES: usize = 8192;

/// How many parts of a record, whose places are only in the record, are looked for to find where it ends.
pub const LOCATED: usize = 8;

/// How many texts in the process's memory an event has: as many as there are places in a record that lead to one.
pub const TEXTS: usize = 4;

/// The room for such a text, the final NUL included: more than any path has (`PATH_MAX`, include/uapi/linux/limits.h). One
/// that fills it is cut.
pub const TEXT_BYTES: usize = 4096 + 8;

/// A word that tells where a part of a record is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Located {
    /// Where the word is; 0 for none.
    pub offset: u16,
    /// From where on it counts.
    pub base: u16,
}

wire!(Located { offset: u16, base: u16 });

/// What of a hit is sent: the element of the map `EXTENTS` with the tracepoint's number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Extent {
    /// Bytes of the record that are always there.
    pub bytes: u32,
    /// The words for the others; those that are there come first.
    pub located: [Located; LOCATED],
    /// Where the record has addresses of texts in the process's memory; 0 for none.
    pub texts: [u16; TEXTS],
}

wire!(Extent { bytes: u32, located: [Located; LOCATED], texts: [u16; TEXTS] });

/// The fixed part of the event of a hit. Behind it come the tracepoint's record and the texts, without gaps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Hit {
    /// What all records have.
    pub header: Header,
    /// The process whose task was running.
    pub process: Process,
    /// The tracepoint's number.
    pub tracepoint: u32,
    /// Bytes of its record that follow: less than it has where it is longer than [`RECORD_BYTES`].
    pub record_bytes: u32,
    /// Bytes of each text, the final NUL included; 0 when it could not be read.
    pub texts: [u32; TEXTS],
}

wire!(Hit { header: Header, process: Process, tracepoint: u32, record_bytes: u32, texts: [u32; TEXTS] });
