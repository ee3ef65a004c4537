//! What stays in the kernel without an exporter: maps, programs and links, pinned in a directory of bpffs, so that counting goes
//! on until the next exporter takes over.
//!
//! Each set of them has a directory of its own, named by its [`identity`]. It is made as `making` and gets its name when it is
//! whole, so that one is never found in part, whenever whoever makes it ends. There is one set at a time: another one
//! replaces it as a whole, and begins to count anew. A lock on the directory of sets keeps a second exporter away; it ends with the
//! process that holds it.

mod identity;
mod remove;

use std::{
    fs, io,
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
};

use aya::{
    maps::{Array, MapData},
    programs::links::FdLink,
};
use rustix::{
    fs::{FlockOperation, Mode, OFlags, flock, mkdir, open, statfs},
    io::Errno,
};
use tracing::{info, warn};

pub(super) use self::identity::{Asked, identity};
pub use self::remove::{Removed, unpin};
use super::sys;

/// The type of file system that takes pins (include/uapi/linux/magic.h).
const BPF_FS_MAGIC: i64 = 0xcafe_4a11;

/// The name of a set that is not whole.
const MAKING: &str = "making";

/// The maps of the object that are in a set.
pub(super) const MAPS: [&str; 7] = ["SLOTS", "COUNTS", "EDGES", "HITS", "LOSS", "NOTICES", "LEFT_OUT"];

/// The one that is not in the object.
pub(super) const LEDGER: &str = "LEDGER";

/// Why nothing can be pinned, or not be removed.
#[derive(Debug, thiserror::Error)]
pub enum PinError {
    /// The directory is elsewhere.
    #[error(
        "`{0}` is not in a file system of type bpf; `mount -t bpf bpf /sys/fs/bpf` mounts one where it is by default"
    )]
    NotBpf(PathBuf),
    /// The directory has a user.
    #[error("an exporter that runs uses what is pinned in `{0}`")]
    InUse(PathBuf),
    /// A directory could not be opened, made or renamed.
    #[error("cannot use the directory `{0}`")]
    Directory(PathBuf, #[source] io::Error),
    /// Something could not be pinned.
    #[error("cannot pin `{0}`")]
    Pin(PathBuf, #[source] io::Error),
    /// Something that aya keeps could not be pinned.
    #[error("cannot pin `{0}`")]
    Kept(PathBuf, #[source] aya::pin::PinError),
    /// Something that is pinned could not be opened.
    #[error("cannot open what is pinned as `{0}`")]
    Get(PathBuf, #[source] io::Error),
    /// Something that is pinned could not be removed.
    #[error("cannot remove `{0}`")]
    Remove(PathBuf, #[source] io::Error),
}

/// Whether the counts outlive the exporter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pinned {
    /// They do not.
    #[default]
    Off,
    /// They do, and began with it.
    New,
    /// They do, and began with one before it.
    Continued,
}

impl Pinned {
    /// The value of the `state` label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::New => "new",
            Self::Continued => "continued",
        }
    }
}

/// A set that is used. Dropping it leaves it as it is, unless it is not whole.
#[derive(Debug)]
pub(super) struct Pins {
    root: PathBuf,
    _lock: OwnedFd,
    identity: String,
    directory: PathBuf,
    state: Pinned,
    is_whole: bool,
}

impl Pins {
    /// The set with this identity in a directory, which is made if it is not there.
    pub(super) fn open(root: &Path, identity: String) -> Result<Self, PinError> {
        let parent = root.parent().unwrap_or(root);
        if !is_bpf(if root.exists() { root } else { parent }) {
            return Err(PinError::NotBpf(root.to_owned()));
        }
        make(root)?;
        let lock = lock(root)?;
        let (existing, making) = (root.join(&identity), root.join(MAKING));
        remove::tree(&making)?;
        if MAPS.iter().chain([&LEDGER]).all(|map| existing.join(map_name(map)).exists()) {
            let (directory, state) = (existing, Pinned::Continued);
            return Ok(Self { root: root.to_owned(), _lock: lock, identity, directory, state, is_whole: true });
        }
        make(&making)?;
        let (directory, state) = (making, Pinned::New);
        Ok(Self { root: root.to_owned(), _lock: lock, identity, directory, state, is_whole: false })
    }

    /// Whether it was there.
    pub(super) fn state(&self) -> Pinned {
        self.state
    }

    /// Where a map is.
    pub(super) fn map(&self, name: &str) -> PathBuf {
        self.directory.join(map_name(name))
    }

    /// A program that was pinned with all that it is attached by.
    pub(super) fn attached(&self, program: &str) -> Result<Option<OwnedFd>, PinError> {
        if self.has_link(program) { self.program(program) } else { Ok(None) }
    }

    /// A program that was pinned.
    pub(super) fn program(&self, name: &str) -> Result<Option<OwnedFd>, PinError> {
        let path = self.directory.join(program_name(name));
        if !path.exists() {
            return Ok(None);
        }
        sys::get_pinned(&path).map(Some).map_err(|error| PinError::Get(path, error))
    }

    /// Whether a link was pinned.
    pub(super) fn has_link(&self, name: &str) -> bool {
        self.directory.join(link_name(name)).exists()
    }

    /// Pins a program, over what has its name.
    pub(super) fn pin_program(&self, name: &str, program: impl AsFd) -> Result<(), PinError> {
        self.pin(&program_name(name), program)
    }

    /// Pins a link, over what has its name.
    pub(super) fn pin_link(&self, name: &str, link: impl AsFd) -> Result<(), PinError> {
        self.pin(&link_name(name), link)
    }

    /// The same for one that aya keeps.
    pub(super) fn pin_kept_link(&self, name: &str, link: FdLink) -> Result<(), PinError> {
        let path = self.directory.join(link_name(name));
        remove::file(&path)?;
        link.pin(&path).map(drop).map_err(|error| PinError::Kept(path, error))
    }

    /// Pins a map that is not in the object.
    pub(super) fn pin_array(&self, name: &str, array: Array<MapData, u64>) -> Result<(), PinError> {
        let path = self.map(name);
        array.pin(&path).map_err(|error| PinError::Kept(path, error))
    }

    /// Detaches a program and lets it go, if it is there.
    pub(super) fn detach(&self, program: &str) -> Result<(), PinError> {
        [link_name(program), program_name(program)].iter().try_for_each(|name| remove::file(&self.directory.join(name)))
    }

    /// Gives the set its name. All others go.
    pub(super) fn complete(&mut self) -> Result<(), PinError> {
        let whole = self.root.join(&self.identity);
        if !self.is_whole {
            // One that has not all of it.
            remove::tree(&whole)?;
            fs::rename(&self.directory, &whole).map_err(|error| PinError::Directory(whole.clone(), error))?;
            (self.directory, self.is_whole) = (whole, true);
        }
        let others: Vec<_> = remove::sets(&self.root)?.into_iter().filter(|set| *set != self.directory).collect();
        for other in &others {
            remove::tree(other)?;
        }
        let directory = self.directory.display();
        match self.state {
            Pinned::Continued => info!(%directory, "counting goes on: the programs and maps were pinned"),
            _ if others.is_empty() => info!(%directory, "the programs and maps are pinned"),
            _ => warn!(
                %directory,
                "counting begins anew: what was pinned is of another version or other settings, and is replaced"
            ),
        }
        Ok(())
    }

    fn pin(&self, name: &str, object: impl AsFd) -> Result<(), PinError> {
        let path = self.directory.join(name);
        remove::file(&path)?;
        sys::pin(object.as_fd(), &path).map_err(|error| PinError::Pin(path, error))
    }
}

impl Drop for Pins {
    fn drop(&mut self) {
        if !self.is_whole
            && let Err(error) = remove::tree(&self.directory)
        {
            // The next one who pins removes it.
            warn!(error = crate::error::chain(&error), "what was pinned stays in part");
        }
    }
}

fn map_name(name: &str) -> String {
    format!("map_{name}")
}

fn program_name(name: &str) -> String {
    format!("program_{name}")
}

fn link_name(name: &str) -> String {
    format!("link_{name}")
}

fn is_bpf(path: &Path) -> bool {
    statfs(path).is_ok_and(|status| status.f_type == BPF_FS_MAGIC)
}

/// Makes a directory, if it is not there.
fn make(path: &Path) -> Result<(), PinError> {
    match mkdir(path, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(PinError::Directory(path.to_owned(), error.into())),
    }
}

/// Keeps others away from a directory.
fn lock(root: &Path) -> Result<OwnedFd, PinError> {
    let failed = |error: Errno| PinError::Directory(root.to_owned(), error.into());
    let directory = open(root, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).map_err(failed)?;
    match flock(&directory, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(directory),
        Err(Errno::WOULDBLOCK) => Err(PinError::InUse(root.to_owned())),
        Err(error) => Err(failed(error)),
    }
}
