//! This process looks itself.

use std::{
    fs::File,
    io::{self, Read as _},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustix::{
    fs::{CWD, Mode, OFlags, fstat, open, openat},
    io::Errno,
};

use super::{Look, UserFiles};
use crate::{
    in_root::{self, Unread},
    namespaces::{self, Namespaces},
};

/// The size up to which files of proc are read: 340 ranges of users have at most 34 bytes each.
const PROC_BYTES: u64 = 16384;

/// The size up to which a list of users is read.
pub(super) const LIST_BYTES: u64 = 4 << 20;

/// Where every machine and every container has its list of users.
const LIST: &str = "/etc/passwd";

/// Looks itself.
#[derive(Clone, Debug)]
pub struct Own {
    proc: PathBuf,
    /// The machine's root, opened while that was allowed.
    root: Option<Arc<OwnedFd>>,
}

impl Own {
    /// For the machine with its root at this directory.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        let found = open(root, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
        Self { proc: root.join("proc"), root: found.ok().map(Arc::new) }
    }
}

impl Look for Own {
    fn namespaces(&mut self, pid: u32) -> Option<Namespaces> {
        namespaces::of(&self.proc, pid).ok()
    }

    fn users(&mut self, pid: u32) -> Option<UserFiles> {
        let process = Process::open(&self.proc, pid).ok()?;
        let root = process.root().ok()?;
        let parent = Process::open(&self.proc, process.parent().ok()?).ok()?;
        // Before it is in the container, a runtime's process has the root of the runtime. Where a container's root is that of
        // whoever runs it, its users are not known to be the container's.
        if is_same(&root, &parent.root().ok()?).ok()? {
            return None;
        }
        let files = UserFiles { uid_map: process.read("uid_map").ok()?, passwd: list(&root).unwrap_or_default() };
        // Its id is nobody else's as long as it is there.
        process.parent().is_ok().then_some(files)
    }

    fn machine_users(&mut self) -> Option<Vec<u8>> {
        Some(self.root.as_ref().and_then(|root| list(root).ok()).unwrap_or_default())
    }
}

/// A process, which stays the same when its id goes to another one.
struct Process(OwnedFd);

impl Process {
    fn open(proc: &Path, pid: u32) -> Result<Self, Errno> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        openat(CWD, proc.join(pid.to_string()), flags, Mode::empty()).map(Self)
    }

    fn root(&self) -> Result<OwnedFd, Errno> {
        openat(&self.0, "root", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let file = openat(&self.0, name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        let mut text = Vec::new();
        File::from(file).take(PROC_BYTES).read_to_end(&mut text)?;
        Ok(text)
    }

    fn parent(&self) -> io::Result<u32> {
        // proc_pid_status(5)
        let status = self.read("status")?;
        let status = String::from_utf8_lossy(&status);
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")?.trim().parse().ok());
        parent.ok_or_else(|| io::ErrorKind::InvalidData.into())
    }
}

fn is_same(one: &OwnedFd, other: &OwnedFd) -> Result<bool, Errno> {
    let [one, other] = [fstat(one)?, fstat(other)?];
    Ok((one.st_dev, one.st_ino) == (other.st_dev, other.st_ino))
}

/// The list of users below a root.
fn list(root: &OwnedFd) -> io::Result<Vec<u8>> {
    // A seccomp filter sees what openat is asked for, and not what openat2 is.
    let found = in_root::walk(root, Path::new(LIST), OFlags::PATH | OFlags::CLOEXEC)?;
    in_root::read_regular(&found, LIST_BYTES).map_err(|unread| match unread {
        Unread::Read(source) | Unread::Open(source) => source,
        Unread::NotRegular => io::ErrorKind::InvalidInput.into(),
        Unread::TooLarge => io::ErrorKind::FileTooLarge.into(),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn looks_at_this_process() {
        let pid = std::process::id();
        let expected = namespaces::of(Path::new("/proc"), pid).expect("this process is there");
        assert_eq!(Own::at(Path::new("/")).namespaces(pid), Some(expected));
        // It has the root of its parent.
        assert_eq!(Own::at(Path::new("/")).users(pid), None);
        assert_eq!(Own::at(Path::new("/nonexistent")).namespaces(pid), None);
    }

    #[test]
    fn reads_the_machines_list() {
        let root = tempfile::tempdir().expect("a directory");
        let mut own = Own::at(root.path());
        assert_eq!(own.machine_users(), Some(Vec::new()));
        fs::create_dir(root.path().join("etc")).expect("a directory");
        let list = root.path().join("etc/passwd");
        fs::write(&list, "ann:x:7:7::/:\n").expect("a file");
        assert_eq!(own.machine_users(), Some(b"ann:x:7:7::/:\n".to_vec()));
        let file = fs::File::create(&list).expect("a file");
        file.set_len(LIST_BYTES + 1).expect("it can be larger");
        assert_eq!(own.machine_users(), Some(Vec::new()));
        fs::remove_file(&list).expect("removed");
        fs::create_dir(&list).expect("a directory");
        assert_eq!(own.machine_users(), Some(Vec::new()));
    }
}
