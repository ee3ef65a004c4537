//! The event of an execution.

use crate::{
    event::{Header, Process},
    wire::wire,
};

/// The longest path that a record has (`PATH_MAX`, include/uapi/linux/limits.h), the final NUL included.
pub const PATH_BYTES: usize = 4096;

/// The most bytes of arguments that a record can have. Userspace sets how many it has.
pub const ARGUMENTS_BYTES: usize = 16 << 10;

/// The longest name of a directory (`NAME_MAX`, include/uapi/linux/limits.h), the final NUL included.
pub const NAME_BYTES: usize = 256;

/// How many steps up from the working directory a record has at most: directories and mounts.
pub const DIRECTORY_STEPS: usize = 128;

/// The most bytes of the working directory's path that a record has. No name begins where the longest does not fit.
pub const DIRECTORY_BYTES: usize = PATH_BYTES;

/// The fixed part of the record. Behind it come working directory, path, interpreter and arguments, without gaps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Exec {
    /// What all records have.
    pub header: Header,
    /// The process, as it is after the execution.
    pub process: Process,
    /// Bytes of the working directory's path: the names of directories, the last one first, each with its final
    /// NUL, up to the process's root, whose name is empty. That one is missing where the way is cut or does not lead there. 0
    /// when nobody wants it.
    pub directory_bytes: u32,
    /// Bytes of the path of the file, the final NUL included; 0 when it could not be read.
    pub path_bytes: u32,
    /// Bytes of the path of the interpreter that was loaded for it, the final NUL included; for other files than scripts
    /// the same path.
    pub interpreter_bytes: u32,
    /// Bytes of arguments, each with its final NUL but for a cut one; 0 when nobody wants them.
    pub arguments_bytes: u32,
    /// Bytes of arguments that there are.
    pub arguments_total: u32,
    /// How many arguments there are.
    pub arguments_count: u32,
}

wire!(Exec {
    header: Header,
    process: Process,
    directory_bytes: u32,
    path_bytes: u32,
    interpreter_bytes: u32,
    arguments_bytes: u32,
    arguments_total: u32,
    arguments_count: u32,
});
