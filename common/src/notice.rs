//! What the kernel tells about a cgroup's life, through the ring `NOTICES`.

use core::mem::offset_of;

use crate::{limits::PATH_BYTES, wire::wire};

/// What happened to a cgroup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Change {
    /// Its directory was created.
    Created = 0,
    /// Its directory was removed: no process is or can be in it, sockets may still belong to it.
    Removed = 1,
    /// Nothing refers to it any more; no event can follow. It may come long after the removal.
    Released = 2,
}

impl Change {
    /// How many changes there are.
    pub const COUNT: u32 = 3;

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

/// What happened to which cgroup, and when: how a notice begins.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Notice {
    /// The cgroup's id: the inode number of its directory.
    pub cgroup: u64,
    /// When it happened, in nanoseconds of `CLOCK_BOOTTIME`.
    pub boot_ns: u64,
    /// A number of [`Change`].
    pub change: u32,
    /// Bytes of [`Told::path`] that there are, without the final NUL; 0 when there is none or it could not be read.
    pub path_bytes: u32,
}

wire!(Notice { cgroup: u64, boot_ns: u64, change: u32, path_bytes: u32 });

/// One notice. Of the path there is only as much as is used.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Told {
    /// How it begins.
    pub notice: Notice,
    /// The path from the root of the cgroup v2 hierarchy; when it fills the array, it may be cut.
    pub path: [u8; PATH_BYTES],
}

wire!(Told { notice: Notice, path: [u8; PATH_BYTES] });

/// A notice as it came through the ring, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoticeView<'a> {
    /// See [`Notice::cgroup`].
    pub cgroup: u64,
    /// See [`Notice::boot_ns`].
    pub boot_ns: u64,
    /// What happened.
    pub change: Change,
    /// The path from the root of the hierarchy; nothing when it was not told. A very long one is cut at its end.
    pub path: Option<&'a [u8]>,
}

impl<'a> NoticeView<'a> {
    /// Understands a record; nothing when it is none.
    #[must_use]
    pub fn parse(record: &'a [u8]) -> Option<Self> {
        let word = |at: usize| Some(u64::from_ne_bytes(record.get(at..at + 8)?.try_into().ok()?));
        let half = |at: usize| Some(u32::from_ne_bytes(record.get(at..at + 4)?.try_into().ok()?));
        let used = half(offset_of!(Notice, path_bytes))? as usize;
        let path = record.get(offset_of!(Told, path)..)?.get(..used)?;
        Some(Self {
            cgroup: word(offset_of!(Notice, cgroup))?,
            boot_ns: word(offset_of!(Notice, boot_ns))?,
            change: Change::from_number(half(offset_of!(Notice, change))?)?,
            path: (!path.is_empty()).then_some(path),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(change: u32, path_bytes: u32, path: &[u8]) -> Vec<u8> {
        let mut bytes = [7u64.to_ne_bytes(), 9u64.to_ne_bytes()].concat();
        bytes.extend(change.to_ne_bytes());
        bytes.extend(path_bytes.to_ne_bytes());
        bytes.extend(path);
        bytes
    }

    #[test]
    fn understands_a_creation() {
        let bytes = record(0, 4, b"/a/b\0 and what was there before");
        let notice = NoticeView::parse(&bytes).expect("well-formed");
        assert_eq!(notice, NoticeView { cgroup: 7, boot_ns: 9, change: Change::Created, path: Some(b"/a/b") });
    }

    #[test]
    fn there_may_be_no_path() {
        let bytes = record(1, 0, b"");
        let notice = NoticeView::parse(&bytes).expect("well-formed");
        assert_eq!(notice, NoticeView { cgroup: 7, boot_ns: 9, change: Change::Removed, path: None });
    }

    #[test]
    fn refuses_what_is_no_notice() {
        let good = record(0, 4, b"/a/b");
        for length in 0..good.len() {
            assert_eq!(NoticeView::parse(&good[..length]), None);
        }
        assert_eq!(NoticeView::parse(&record(3, 0, b"")), None);
    }
}
