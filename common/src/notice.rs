//! What the kernel tells about a cgroup's life, through the ring `NOTICES`.

use crate::{limits::PATH_BYTES, wire::wire};

/// What happened to a cgroup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Change {
    /// Its directory was created.
    Created = 0,
    /// Its directory was removed: no process is or can be in it, sockets may still belong to it.
    Removed = 1,
    /// Nothing belongs to it any more; no event can follow.
    Released = 2,
}

impl Change {
    /// The change with this number.
    #[must_use]
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::Created),
            1 => Some(Self::Removed),
            2 => Some(Self::Released),
            _ => None,
        }
    }
}

/// One notice.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Notice {
    /// The cgroup's id: the inode number of its directory.
    pub cgroup: u64,
    /// When it happened, in nanoseconds of `CLOCK_BOOTTIME`.
    pub boot_ns: u64,
    /// A number of [`Change`].
    pub change: u32,
    /// Bytes of `path` that are used, without the final NUL; 0 when the kernel's path could not be read.
    pub path_bytes: u32,
    /// The path from the root of the cgroup v2 hierarchy; when it fills the array, it may be cut.
    pub path: [u8; PATH_BYTES],
}

wire!(Notice { cgroup: u64, boot_ns: u64, change: u32, path_bytes: u32, path: [u8; PATH_BYTES] });
