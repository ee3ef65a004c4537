//! Reads what runtimes keep on disk, trusting nothing about it.

mod watched;

use std::{
    io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use rustix::{
    fs::{Dir, Mode, OFlags, Stat, fstat},
    io::Errno,
};
use serde::de::DeserializeOwned;

pub(super) use self::watched::Watched;
use super::{failures::Reason, source::Trouble};
use crate::in_root::{Unread, open_in_root, read_regular};

/// The size up to which a state file is read.
pub(super) const LIMIT_BYTES: u64 = 4 << 20;
/// How many names of a directory are read.
pub(super) const LIMIT_NAMES: usize = if cfg!(test) { 256 } else { 16384 };

/// The age from which on two changes of a file have different times. The kernel's clock for files ticks every 10 ms at worst.
const SETTLED: Duration = Duration::from_millis(20);

/// Why a state file told nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum StateFileError {
    #[error("cannot open state file `{}`", path.display())]
    Open { path: PathBuf, source: io::Error },
    #[error("cannot read state file `{}`", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("state file `{}` is not a regular file", path.display())]
    NotRegular { path: PathBuf },
    #[error("state file `{}` is larger than {LIMIT_BYTES} bytes", path.display())]
    TooLarge { path: PathBuf },
    #[error("state directory `{}` holds more than {LIMIT_NAMES} names", path.display())]
    TooMany { path: PathBuf },
    #[error("cannot parse state file `{}`", path.display())]
    Parse { path: PathBuf, source: serde_json::Error },
}

impl StateFileError {
    /// The kind of failure, for counting.
    pub(super) fn reason(&self) -> Reason {
        match self {
            Self::Open { source, .. }
                if matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
            {
                Reason::Missing
            }
            Self::Open { .. } | Self::Read { .. } | Self::NotRegular { .. } => Reason::Unreadable,
            Self::TooLarge { .. } | Self::TooMany { .. } | Self::Parse { .. } => Reason::Malformed,
        }
    }
}

impl From<StateFileError> for Trouble {
    fn from(error: StateFileError) -> Self {
        Self { reason: error.reason(), error: error.into() }
    }
}

/// What tells that a file or directory is the same as before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    file: (u64, u64),
    size: i64,
    modified: (i64, i64),
    settled: bool,
}

impl Stamp {
    fn of(stat: &Stat, now: SystemTime) -> Self {
        let modified = (stat.st_mtime, i64::try_from(stat.st_mtime_nsec).unwrap_or_default());
        let mut stamp = Self { file: (stat.st_dev, stat.st_ino), size: stat.st_size, modified, settled: true };
        stamp.settled = stamp.modified().is_none_or(|modified| {
            let distance = now.duration_since(modified).unwrap_or_else(|ahead| ahead.duration());
            distance > SETTLED
        });
        stamp
    }

    /// Whether nothing can have changed since this stamp was taken, if `now` is what the file has now.
    pub(super) fn is_still(self, now: Self) -> bool {
        // What changed within one tick of the clock before the stamp was taken may have changed again within it.
        self.settled && Self { settled: true, ..now } == self
    }

    /// When it was last changed.
    pub(super) fn modified(self) -> Option<SystemTime> {
        let (seconds, nanos) = self.modified;
        let since = Duration::new(u64::try_from(seconds).ok()?, u32::try_from(nanos).ok()?);
        SystemTime::UNIX_EPOCH.checked_add(since)
    }
}

/// A file system from its root on. Links in it never lead out of it: an absolute one is taken from this root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    root: PathBuf,
    /// A directory in it that is the root of this part of it.
    part: Option<PathBuf>,
}

impl Tree {
    /// The file system with its root at this directory.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), part: None }
    }

    /// The root.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the process itself finds what is at `path` in the tree.
    pub(super) fn outside(&self, path: &Path) -> PathBuf {
        let below = |root: &Path, path: &Path| root.join(path.strip_prefix("/").unwrap_or(path));
        match &self.part {
            Some(part) => below(&below(&self.root, part), path),
            None => below(&self.root, path),
        }
    }

    /// The part of the whole file system below a directory in it. Links in it never lead out of this part.
    pub(super) fn part(&self, directory: &Path) -> Self {
        Self { root: self.root.clone(), part: Some(directory.to_owned()) }
    }

    /// Reads a JSON file. Returns at once whatever is at `path`: a FIFO or a device is refused, not waited for.
    pub(super) fn read_json<T: DeserializeOwned>(&self, path: &Path) -> Result<T, StateFileError> {
        let bytes = self.read(path)?;
        let parsed = serde_json::from_slice(&bytes);
        parsed.map_err(|source| StateFileError::Parse { path: self.outside(path), source })
    }

    /// Reads a file.
    pub(super) fn read(&self, path: &Path) -> Result<Vec<u8>, StateFileError> {
        read(&self.open(path, OFlags::PATH)?, || self.outside(path))
    }

    /// What tells whether the file or directory at `path` changes.
    pub(super) fn stamp(&self, path: &Path) -> Result<Stamp, StateFileError> {
        let file = self.open(path, OFlags::PATH)?;
        let stat = fstat(&file).map_err(|errno| self.unread(path, errno))?;
        Ok(Stamp::of(&stat, SystemTime::now()))
    }

    /// What is in a directory, and whether this is all: names that are UTF-8 and not hidden.
    pub(super) fn names(&self, path: &Path) -> Result<(Vec<String>, bool), StateFileError> {
        let directory = self.open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NONBLOCK)?;
        let entries = Dir::new(directory).map_err(|errno| self.unread(path, errno))?;
        let mut names = Vec::new();
        for (read, entry) in entries.enumerate() {
            if read >= LIMIT_NAMES {
                return Ok((names, false));
            }
            let entry = entry.map_err(|errno| self.unread(path, errno))?;
            let name = entry.file_name().to_str().ok().filter(|name| !name.starts_with('.'));
            names.extend(name.map(str::to_owned));
        }
        Ok((names, true))
    }

    /// A directory that holds more names than are read.
    pub(super) fn too_many(&self, path: &Path) -> StateFileError {
        StateFileError::TooMany { path: self.outside(path) }
    }

    /// A file that is not there.
    pub(super) fn missing(&self, path: &Path) -> StateFileError {
        StateFileError::Open { path: self.outside(path), source: io::ErrorKind::NotFound.into() }
    }

    /// Opens what is at `path`, which is not a link itself.
    fn open(&self, path: &Path, flags: OFlags) -> Result<OwnedFd, StateFileError> {
        let open = || {
            let directory = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let mut root = rustix::fs::open(&self.root, directory, Mode::empty())?;
            if let Some(part) = &self.part {
                root = open_in_root(&root, part, directory)?;
            }
            open_in_root(&root, path, flags | OFlags::NOFOLLOW | OFlags::CLOEXEC)
        };
        open().map_err(|errno: Errno| StateFileError::Open { path: self.outside(path), source: errno.into() })
    }

    /// Opens what is at `path` for neither reading nor writing, also where that is a link; nothing when it is not there.
    #[must_use]
    pub(super) fn find(&self, path: &Path) -> Option<OwnedFd> {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let mut root = rustix::fs::open(&self.root, flags, Mode::empty()).ok()?;
        if let Some(part) = &self.part {
            root = open_in_root(&root, part, flags).ok()?;
        }
        open_in_root(&root, path, flags).ok()
    }

    fn unread(&self, path: &Path, errno: Errno) -> StateFileError {
        StateFileError::Read { path: self.outside(path), source: errno.into() }
    }
}

/// Reads what was found at `path`.
fn read(found: &OwnedFd, path: impl Fn() -> PathBuf) -> Result<Vec<u8>, StateFileError> {
    read_regular(found, LIMIT_BYTES).map_err(|unread| match unread {
        Unread::Read(source) => StateFileError::Read { path: path(), source },
        Unread::Open(source) => StateFileError::Open { path: path(), source },
        Unread::NotRegular => StateFileError::NotRegular { path: path() },
        Unread::TooLarge => StateFileError::TooLarge { path: path() },
    })
}

#[cfg(test)]
mod tests;
