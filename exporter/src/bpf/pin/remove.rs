//! Removing what is pinned: with its last name each map, program and link goes.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use super::{MAKING, PinError, is_bpf, lock};

/// Digits of an identity.
const DIGITS: usize = 16;

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Links: each had a program run.
    pub links: usize,
    /// Programs.
    pub programs: usize,
    /// Maps.
    pub maps: usize,
}

impl fmt::Display for Removed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { links, programs, maps } = self;
        write!(formatter, "{links} links, {programs} programs, {maps} maps")
    }
}

/// Removes everything that exporters, of whatever version, have pinned in a directory; nothing where there is none.
///
/// # Errors
///
/// When an exporter that runs uses it, when it is not where things are pinned, or when something cannot be removed.
pub fn unpin(root: &Path) -> Result<Removed, PinError> {
    if !root.exists() {
        return Ok(Removed::default());
    }
    if !is_bpf(root) {
        return Err(PinError::NotBpf(root.to_owned()));
    }
    let _lock = lock(root)?;
    let mut removed = Removed::default();
    for set in sets(root)? {
        for file in entries(&set)? {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            match name.split_once('_') {
                Some(("link", _)) => removed.links += 1,
                Some(("program", _)) => removed.programs += 1,
                _ => removed.maps += 1,
            }
        }
        tree(&set)?;
    }
    match fs::remove_dir(root) {
        // Somebody else has something there.
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
        result => result.map_err(|error| PinError::Remove(root.to_owned(), error))?,
    }
    Ok(removed)
}

/// The sets in a directory, whole or not. What else is there is somebody else's.
pub(super) fn sets(root: &Path) -> Result<Vec<PathBuf>, PinError> {
    let is_set =
        |name: &str| name == MAKING || name.len() == DIGITS && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut sets = entries(root)?;
    sets.retain(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(is_set));
    Ok(sets)
}

/// Removes a set, if it is there.
pub(super) fn tree(set: &Path) -> Result<(), PinError> {
    if !set.exists() {
        return Ok(());
    }
    entries(set)?.iter().try_for_each(|path| file(path))?;
    fs::remove_dir(set).map_err(|error| PinError::Remove(set.to_owned(), error))
}

/// Removes a pin, if it is there.
pub(super) fn file(path: &Path) -> Result<(), PinError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result.map_err(|error| PinError::Remove(path.to_owned(), error)),
    }
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>, PinError> {
    let failed = |error| PinError::Directory(directory.to_owned(), error);
    let entries = fs::read_dir(directory).map_err(failed)?;
    entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>().map_err(failed)
}
