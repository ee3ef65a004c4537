//! The names that a container's first process would read.

use std::{
    error::Error as _,
    fs::File,
    io::{self, Read as _},
    os::fd::OwnedFd,
    path::Path,
};

use rustix::{
    fs::{CWD, Mode, OFlags, fstat, openat},
    io::Errno,
};
use tracing::debug;

use super::{UidMap, UserNames};
use crate::identity::{roots::Roots, started, state_file::read_in};

/// The size up to which files of proc are read: 340 ranges of users have at most 34 bytes each.
const LIMIT_BYTES: u64 = 16384;

/// The names of the users of the container whose own cgroup is this directory; nothing while its first process is not in the
/// container yet, or is gone. A container without a readable list has no names.
pub(super) fn look(roots: &Roots, cgroup: &Path) -> Option<UserNames> {
    let process = Process::open(&roots.proc, started::first(cgroup, &roots.proc)?.pid).ok()?;
    let root = process.root().ok()?;
    let parent = Process::open(&roots.proc, process.parent().ok()?).ok()?;
    // Before it is in the container, a runtime's process has the root of the runtime. Where a container's root is that of
    // whoever runs it, its users are not known to be the container's.
    if is_same(&root, &parent.root().ok()?).ok()? {
        return None;
    }
    let map = UidMap::parse(process.read("uid_map").ok()?.as_bytes());
    let outside = roots.proc.join(process.pid.to_string()).join("root");
    let passwd = read_in(&root, Path::new("/etc/passwd"), &outside);
    let passwd = passwd.inspect_err(|error| debug!(cause = error.source(), "{error}"));
    // Its id is nobody else's as long as it is there.
    let is_still = started::first(cgroup, &roots.proc)?.pid == process.pid && process.parent().is_ok();
    is_still.then(|| UserNames::parse(&passwd.unwrap_or_default(), &map))
}

/// A process, which stays the same when its id goes to another one.
struct Process {
    pid: u32,
    directory: OwnedFd,
}

impl Process {
    fn open(proc: &Path, pid: u32) -> Result<Self, Errno> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self { pid, directory: openat(CWD, proc.join(pid.to_string()), flags, Mode::empty())? })
    }

    fn root(&self) -> Result<OwnedFd, Errno> {
        openat(&self.directory, "root", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
    }

    fn read(&self, name: &str) -> io::Result<String> {
        let file = openat(&self.directory, name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        let mut text = Vec::new();
        File::from(file).take(LIMIT_BYTES).read_to_end(&mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    fn parent(&self) -> io::Result<u32> {
        // proc_pid_status(5)
        let status = self.read("status")?;
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")?.trim().parse().ok());
        parent.ok_or_else(|| io::ErrorKind::InvalidData.into())
    }
}

fn is_same(one: &OwnedFd, other: &OwnedFd) -> Result<bool, Errno> {
    let [one, other] = [fstat(one)?, fstat(other)?];
    Ok((one.st_dev, one.st_ino) == (other.st_dev, other.st_ino))
}
