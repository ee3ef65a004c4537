//! The event of a system call: its record, and what of the process's memory is read for it.

use crate::{
    event::{Header, Process},
    wire::wire,
};

/// How many arguments a call has at most.
pub const ARGUMENTS: usize = 6;

/// How many of them can be read in memory.
pub const READS: usize = 4;

/// The longest text that is read, the final NUL included, and one byte more: a text that fills this place is cut.
pub const TEXT_BYTES: usize = 4096 + 1;

/// How many texts of a list are read.
pub const LIST_TEXTS: usize = 256;

/// The most memory that a record has.
pub const MEMORY_BYTES: usize = 4 * 4096;

/// The most bytes of one argument that is neither a text nor a list of texts.
pub const BYTES_MAX: usize = 128;

/// The bit of a call that never returns: it is sent when it begins. The other bits are those of
/// [`syscall`](super::syscall).
pub const NEVER_RETURNS: u8 = 16;

/// The bit of a call that replaces the process's memory when it succeeds: it is read when the call begins.
pub const REPLACES_MEMORY: u8 = 32;

/// What a pointer leads to.
pub mod what {
    /// Nothing that is read; the last of the reads.
    pub const NOTHING: u8 = 0;
    /// A text with a final NUL.
    pub const TEXT: u8 = 1;
    /// Pointers to texts, up to one that is null.
    pub const LIST: u8 = 2;
    /// Bytes.
    pub const BYTES: u8 = 3;
}

/// When memory is read.
pub mod moment {
    /// When the call begins, because it may write there; again when it returns where the page was not there yet. Only the
    /// first of the reads, and only bytes.
    pub const BEGIN: u8 = 0;
    /// When it returns, because the pages are there then.
    pub const RETURN: u8 = 1;
    /// When it returns and has not failed: it is the call that writes there.
    pub const SUCCESS: u8 = 2;
}

/// How many bytes there are.
pub mod length {
    /// As many as the limit.
    pub const LIMIT: u8 = 0;
    /// As many as an argument says.
    pub const ARGUMENT: u8 = 1;
    /// As many as the 32-bit number says that an argument points to.
    pub const POINTED: u8 = 2;
    /// As many as the call returned.
    pub const RESULT: u8 = 3;
}

/// What is read for one argument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Read {
    /// The argument, from 0 on: a pointer.
    pub argument: u8,
    /// See [`what`].
    pub what: u8,
    /// See [`moment`].
    pub moment: u8,
    /// Of bytes: see [`length`].
    pub length: u8,
    /// The argument that tells the length, where one does.
    pub length_argument: u8,
    /// Of bytes: how many at most, see [`BYTES_MAX`].
    pub limit: u8,
    /// 0.
    pub reserved: u16,
}

wire!(Read { argument: u8, what: u8, moment: u8, length: u8, length_argument: u8, limit: u8, reserved: u16 });

/// What is read for a call: an element of the map `SYSCALL_READS`, which userspace writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Reads {
    /// The reads; those that are there come first.
    pub reads: [Read; READS],
}

wire!(Reads { reads: [Read; READS] });

/// What became of a read.
pub mod state {
    /// Nothing was to be read.
    pub const NONE: u8 = 0;
    /// It is all there.
    pub const WHOLE: u8 = 1;
    /// There is more than was read.
    pub const CUT: u8 = 2;
    /// It could not be read.
    pub const UNREADABLE: u8 = 3;
}

/// Memory in a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Part {
    /// How many bytes; of texts with their final NULs.
    pub bytes: u32,
    /// The argument that points there.
    pub argument: u8,
    /// See [`what`].
    pub what: u8,
    /// See [`state`].
    pub state: u8,
    /// 0.
    pub reserved: u8,
}

wire!(Part { bytes: u32, argument: u8, what: u8, state: u8, reserved: u8 });

/// The bit of [`SyscallEvent::flags`] for a call that returned.
pub const RETURNED: u32 = 1;

/// The bit for a 32-bit call, whose number is one of others.
pub const COMPAT_CALL: u32 = 2;

/// The fixed part of the record. Behind it comes the memory, part by part and without gaps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct SyscallEvent {
    /// What all records have. The time is that of the return, or of the beginning where there is no return.
    pub header: Header,
    /// The process that made the call.
    pub process: Process,
    /// When the call began, in nanoseconds of `CLOCK_BOOTTIME`; 0 where that was not seen: before anybody listened, or
    /// because seccomp let it not begin.
    pub began_boot_ns: u64,
    /// The arguments, as the registers have them.
    pub arguments: [u64; ARGUMENTS],
    /// What it returned.
    pub result: i64,
    /// Its number.
    pub number: i32,
    /// See [`RETURNED`] and [`COMPAT_CALL`].
    pub flags: u32,
    /// The memory.
    pub parts: [Part; READS],
}

wire!(SyscallEvent {
    header: Header,
    process: Process,
    began_boot_ns: u64,
    arguments: [u64; ARGUMENTS],
    result: i64,
    number: i32,
    flags: u32,
    parts: [Part; READS],
});
