//! Opening a path as if a directory were the root, also where links in it lead elsewhere, and reading what was found.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io::{self, Read as _},
    os::{
        fd::{AsRawFd as _, OwnedFd},
        unix::ffi::OsStringExt as _,
    },
    path::{Component, Path},
};

use rustix::{
    fs::{CWD, FileType, Mode, OFlags, ResolveFlags, fstat, openat, openat2, readlinkat},
    io::Errno,
};

/// How often a path is looked up again when something above it is renamed or mounted meanwhile.
const LOOKUPS: usize = 8;

/// How many links a path may lead through, as in the kernel (`MAXSYMLINKS`).
const LINKS_MAX: usize = 40;

/// Opens what is at `path`, as if `root` were the root.
pub(crate) fn open_in_root(root: &OwnedFd, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    match look_up(root, path, flags) {
        // Who filters system calls by their arguments cannot look into those of openat2, and refuses it: systemd does where a
        // unit may not make files that have an owner's rights (`RestrictSUIDSGID=`), older container engines always.
        Err(Errno::NOSYS | Errno::PERM) => walk(root, path, flags),
        outcome => outcome,
    }
}

/// Has the kernel do it.
fn look_up(root: &OwnedFd, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    let mut outcome = Err(Errno::AGAIN);
    for _ in 0..LOOKUPS {
        outcome = openat2(root, path, flags, Mode::empty(), resolve);
        if !matches!(outcome, Err(Errno::AGAIN)) {
            break;
        }
    }
    outcome
}

/// The same from directory to directory, without openat2. What is above one is known by the way that led there, and no link is followed
/// by the kernel, not even one of proc: so nothing leads out, whatever is renamed meanwhile.
pub(crate) fn walk(root: &OwnedFd, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    // What is still to go, the next one last.
    let mut names: Vec<OsString> = parts(path);
    let mut way: Vec<OwnedFd> = Vec::new();
    let mut links = 0;
    while let Some(name) = names.pop() {
        if name == "/" {
            way.clear();
        } else if name == ".." {
            way.pop();
        } else {
            let here = way.last().unwrap_or(root);
            let found = openat(here, &name, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
            let kind = FileType::from_raw_mode(fstat(&found)?.st_mode);
            let is_last = names.is_empty();
            if kind == FileType::Symlink && !(is_last && flags.contains(OFlags::NOFOLLOW)) {
                links += 1;
                if links > LINKS_MAX {
                    return Err(Errno::LOOP);
                }
                let target = OsString::from_vec(readlinkat(&found, "", Vec::new())?.into_bytes());
                names.extend(parts(Path::new(&target)));
            } else if is_last {
                return openat(here, &name, flags | OFlags::NOFOLLOW, Mode::empty());
            } else if kind == FileType::Directory {
                way.push(found);
            } else {
                return Err(Errno::NOTDIR);
            }
        }
    }
    openat(way.last().unwrap_or(root), ".", flags, Mode::empty())
}

/// Why what was found was not read.
#[derive(Debug)]
pub(crate) enum Unread {
    /// Nothing tells what it is, or its bytes do not come.
    Read(io::Error),
    /// It may not be opened for reading.
    Open(io::Error),
    /// It is no regular file.
    NotRegular,
    /// It has more bytes than allowed.
    TooLarge,
}

/// Reads up to `limit` bytes of what was opened for neither reading nor writing. Only a regular file is opened for reading: for a
/// device that alone can have an effect.
pub(crate) fn read_regular(found: &OwnedFd, limit: u64) -> Result<Vec<u8>, Unread> {
    let stat = fstat(found).map_err(|errno| Unread::Read(errno.into()))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(Unread::NotRegular);
    }
    // Whoever holds a lease on the file must not be waited for either. The helper may open by this call alone.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = openat(CWD, format!("/proc/self/fd/{}", found.as_raw_fd()), flags, Mode::empty());
    let file = File::from(file.map_err(|errno| Unread::Open(errno.into()))?);
    // One byte more than allowed tells a file that is too large, also when it grows meanwhile.
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(Unread::Read)?;
    if u64::try_from(bytes.len()).is_ok_and(|len| len > limit) { Err(Unread::TooLarge) } else { Ok(bytes) }
}

/// The parts of a path, the first one last.
fn parts(path: &Path) -> Vec<OsString> {
    path.components()
        .filter(|part| *part != Component::CurDir)
        .map(|part| OsStr::to_owned(part.as_os_str()))
        .rev()
        .collect()
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use rustix::fs::Stat;

    use super::*;

    fn same(outcome: Result<OwnedFd, Errno>) -> Result<(u64, u64), Errno> {
        let Stat { st_dev, st_ino, .. } = fstat(&outcome?)?;
        Ok((st_dev, st_ino))
    }

    #[test]
    fn a_walk_ends_where_the_kernel_does() {
        let tree = tempfile::tempdir().expect("a directory");
        let at = |name: &str| tree.path().join(name);
        fs::create_dir_all(at("root/a/b")).expect("directories");
        fs::write(at("secret"), "7").expect("a file");
        fs::write(at("root/secret"), "1").expect("a file");
        fs::write(at("root/a/b/file"), "2").expect("a file");
        for (target, link) in [
            ("b/file", "root/a/short"),
            ("/a/b", "root/absolute"),
            ("../../../../secret", "root/a/b/out"),
            ("../secret", "root/above"),
            ("..", "root/a/b/up"),
            ("loop", "root/loop"),
            ("/nothing", "root/dangling"),
            ("a/", "root/slash"),
            ("/proc/self/root", "root/elsewhere"),
            ("/", "root/top"),
        ] {
            symlink(target, at(link)).expect("a link");
        }
        let mut before = "root/chain-0".to_owned();
        symlink("/secret", at(&before)).expect("a link");
        for number in 1..=LINKS_MAX {
            let next = format!("root/chain-{number}");
            symlink(Path::new(&before).file_name().expect("a name"), at(&next)).expect("a link");
            before = next;
        }

        let directory = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = openat(CWD, at("root"), directory, Mode::empty()).expect("it is there");
        let paths = "/ . .. a a/b/.. /a/b/file a/short absolute/file absolute/out above secret /../secret a/b/up/short loop dangling \
             slash/b elsewhere elsewhere/etc top top/secret a/b/file/x secret/x nothing nothing/x slash top/../a \
             chain-0 chain-39 chain-40 a/../../secret";
        let kinds = [OFlags::PATH, OFlags::PATH | OFlags::NOFOLLOW, OFlags::RDONLY | OFlags::NOFOLLOW, directory];
        let mut found = 0;
        for path in paths.split_whitespace() {
            for flags in kinds.map(|flags| flags | OFlags::CLOEXEC) {
                let by_kernel = same(look_up(&root, Path::new(path), flags));
                assert_eq!(same(walk(&root, Path::new(path), flags)), by_kernel, "{path} with {flags:?}");
                found += usize::from(by_kernel.is_ok());
            }
        }
        assert!(found > 50, "{found}");
    }
}
