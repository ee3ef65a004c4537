//! What the kernel tells about a cgroup's life, through the ring `NOTICES`.

use core::mem::{offset_of, size_of};

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

/// A notice as it came through the ring, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoticeView<'a> {
    /// See [`Notice::cgroup`].
    pub cgroup: u64,
    /// See [`Notice::boot_ns`].
    pub boot_ns: u64,
    /// What happened.
    pub change: Change,
    /// The path from the root of the hierarchy; nothing when it could not be read or may be cut.
    pub path: Option<&'a [u8]>,
}

impl<'a> NoticeView<'a> {
    /// Understands a record; nothing when it is none.
    #[must_use]
    pub fn parse(record: &'a [u8]) -> Option<Self> {
        let word = |at: usize| Some(u64::from_ne_bytes(record.get(at..at + 8)?.try_into().ok()?));
        let half = |at: usize| Some(u32::from_ne_bytes(record.get(at..at + 4)?.try_into().ok()?));
        let used = half(offset_of!(Notice, path_bytes))? as usize;
        let path = record.get(offset_of!(Notice, path)..size_of::<Notice>())?.get(..used)?;
        Some(Self {
            cgroup: word(offset_of!(Notice, cgroup))?,
            boot_ns: word(offset_of!(Notice, boot_ns))?,
            change: Change::from_number(half(offset_of!(Notice, change))?)?,
            path: (!path.is_empty() && used < PATH_BYTES - 1).then_some(path),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(change: u32, path_bytes: u32) -> Vec<u8> {
        let mut bytes = [7u64.to_ne_bytes(), 9u64.to_ne_bytes()].concat();
        bytes.extend(change.to_ne_bytes());
        bytes.extend(path_bytes.to_ne_bytes());
        bytes.extend(b"/a/b");
        bytes.resize(size_of::<Notice>(), 0);
        bytes
    }

    #[test]
    fn understands_a_record() {
        let bytes = record(1, 4);
        let notice = NoticeView::parse(&bytes).expect("well-formed");
        assert_eq!(notice, NoticeView { cgroup: 7, boot_ns: 9, change: Change::Removed, path: Some(b"/a/b") });
    }

    #[test]
    fn a_path_may_be_missing_or_cut() {
        for used in [0, PATH_BYTES - 1, PATH_BYTES] {
            let bytes = record(0, used as u32);
            assert_eq!(NoticeView::parse(&bytes).expect("well-formed").path, None);
        }
    }

    #[test]
    fn refuses_what_is_no_notice() {
        let good = record(0, 4);
        for length in 0..good.len() {
            assert_eq!(NoticeView::parse(&good[..length]), None);
        }
        assert_eq!(NoticeView::parse(&record(3, 4)), None);
        assert_eq!(NoticeView::parse(&record(0, PATH_BYTES as u32 + 1)), None);
    }
}
