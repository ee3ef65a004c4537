//! Structures in a process's memory. What is cut is none.

use std::mem::offset_of;

use super::{
    decoded::Decoded,
    meaning::{octal, signal_name},
    process,
};
use crate::events::text::lossless;

/// A number at a place.
fn at<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..)?.first_chunk().copied()
}

fn u32_at(bytes: &[u8], offset: usize) -> Option<Decoded> {
    at(bytes, offset).map(|bytes| Decoded::number(u32::from_ne_bytes(bytes)))
}

fn u64_at(bytes: &[u8], offset: usize) -> Option<u64> {
    at(bytes, offset).map(u64::from_ne_bytes)
}

fn i64_at(bytes: &[u8], offset: usize) -> Option<Decoded> {
    at(bytes, offset).map(|bytes| Decoded::number(i64::from_ne_bytes(bytes)))
}

/// What is no structure: bytes that may be a text.
pub(super) fn buffer(bytes: &[u8]) -> Option<Decoded> {
    Some(Decoded::Text(lossless(bytes)))
}

/// The value of an option of a socket: a number where it has the size of one.
pub(super) fn option(bytes: &[u8]) -> Option<Decoded> {
    at(bytes, 0)
        .filter(|_| bytes.len() == 4)
        .map_or_else(|| buffer(bytes), |bytes| Some(Decoded::number(i32::from_ne_bytes(bytes))))
}

/// `struct timespec`.
pub(super) fn timespec(bytes: &[u8]) -> Option<Decoded> {
    Some(Decoded::Fields(vec![("tv_sec", i64_at(bytes, 0)?), ("tv_nsec", i64_at(bytes, 8)?)]))
}

/// `struct itimerspec`.
pub(super) fn itimerspec(bytes: &[u8]) -> Option<Decoded> {
    let (interval, value) = bytes.split_at_checked(16)?;
    Some(Decoded::Fields(vec![("it_interval", timespec(interval)?), ("it_value", timespec(value)?)]))
}

/// `struct rlimit64`.
pub(super) fn rlimit(bytes: &[u8]) -> Option<Decoded> {
    let limit = |offset| {
        let limit = u64_at(bytes, offset)?;
        Some(if limit == u64::MAX { Decoded::text("RLIM_INFINITY") } else { Decoded::number(limit) })
    };
    Some(Decoded::Fields(vec![("rlim_cur", limit(0)?), ("rlim_max", limit(8)?)]))
}

/// `struct stat`, as far as it says what the file is.
pub(super) fn stat(bytes: &[u8]) -> Option<Decoded> {
    let mode = u32::from_ne_bytes(at(bytes, offset_of!(libc::stat, st_mode))?);
    Some(Decoded::Fields(vec![
        ("st_mode", Decoded::Text(octal(mode))),
        ("st_uid", u32_at(bytes, offset_of!(libc::stat, st_uid))?),
        ("st_gid", u32_at(bytes, offset_of!(libc::stat, st_gid))?),
        ("st_size", i64_at(bytes, offset_of!(libc::stat, st_size))?),
    ]))
}

/// `struct statfs`, as far as it says what is mounted and how large it is.
pub(super) fn statfs(bytes: &[u8]) -> Option<Decoded> {
    Some(Decoded::Fields(vec![
        ("f_type", Decoded::hex(u64_at(bytes, offset_of!(libc::statfs, f_type))?)),
        ("f_bsize", i64_at(bytes, offset_of!(libc::statfs, f_bsize))?),
        ("f_blocks", i64_at(bytes, offset_of!(libc::statfs, f_blocks))?),
        ("f_bfree", i64_at(bytes, offset_of!(libc::statfs, f_bfree))?),
    ]))
}

/// `struct clone_args`, whose first version has 64 bytes.
pub(super) fn clone_args(bytes: &[u8]) -> Option<Decoded> {
    let number = |offset| u64_at(bytes, offset);
    let mut fields = vec![
        ("flags", Decoded::Texts(process::CLONE.names(number(0)?))),
        ("exit_signal", signal_name(number(32)?)),
        ("stack", Decoded::hex(number(40)?)),
        ("stack_size", Decoded::number(number(48)?)),
    ];
    if let Some(cgroup) = number(80) {
        fields.push(("cgroup", Decoded::number(cgroup)));
    }
    Some(Decoded::Fields(fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[u64]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_ne_bytes()).collect()
    }

    #[test]
    fn structures_have_fields() {
        let number = |number: i64| Decoded::number(number);
        let time =
            |seconds, nanoseconds| Decoded::Fields(vec![("tv_sec", number(seconds)), ("tv_nsec", number(nanoseconds))]);
        assert_eq!(timespec(&words(&[1, 500])), Some(time(1, 500)));
        let timer = Decoded::Fields(vec![("it_interval", time(0, 0)), ("it_value", time(-1, 7))]);
        assert_eq!(itimerspec(&words(&[0, 0, u64::MAX, 7])), Some(timer));
        let limit = Decoded::Fields(vec![("rlim_cur", number(1024)), ("rlim_max", Decoded::text("RLIM_INFINITY"))]);
        assert_eq!(rlimit(&words(&[1024, u64::MAX])), Some(limit));
        let made = clone_args(&words(&[0x4000_0000, 0, 0, 0, 17, 0, 0, 0])).expect("whole");
        let Decoded::Fields(fields) = made else { panic!("{made:?}") };
        assert_eq!(fields[0].1, Decoded::Texts(vec!["CLONE_NEWNET".to_owned()]));
        assert_eq!(fields[1].1, Decoded::text("SIGCHLD"));
        assert_eq!(option(&7_i32.to_ne_bytes()), Some(number(7)));
        assert_eq!(option(b"eth0\0"), Some(Decoded::text("eth0\0")));
    }

    #[test]
    fn what_is_cut_is_none() {
        for (decode, size) in [
            (timespec as fn(&[u8]) -> Option<Decoded>, 16),
            (itimerspec, 32),
            (rlimit, 16),
            (clone_args, 56),
            (stat, offset_of!(libc::stat, st_size) + 8),
            (statfs, offset_of!(libc::statfs, f_bfree) + 8),
        ] {
            assert!(decode(&vec![1; size]).is_some());
            assert_eq!(decode(&vec![1; size - 1]), None);
        }
    }
}
