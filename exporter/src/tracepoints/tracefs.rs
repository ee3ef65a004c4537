//! The kernel's trace file system: where it is, which tracepoints it has, and what it says of them.

use std::{
    fs, io,
    os::fd::{AsRawFd, OwnedFd},
    path::{Path, PathBuf},
};

use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen};

use super::{
    format::{Format, FormatError},
    name::Name,
};

/// Where it is mounted, if it is: by its own, or as a part of debugfs.
const PLACES: [&str; 2] = ["sys/kernel/tracing", "sys/kernel/debug/tracing"];

/// What has a directory for each category of tracepoints.
const EVENTS: &str = "events";

/// Why tracepoints are not known.
#[derive(Debug, thiserror::Error)]
pub enum TracefsError {
    /// It is mounted nowhere, and cannot be.
    #[error(
        "cannot find tracefs: it is mounted neither at `{}` nor at `{}` where this process may look, and may not be mounted \
         for it either; run it as root with `CAP_SYS_ADMIN`",
        places[0].display(),
        places[1].display()
    )]
    NotMounted {
        /// Where it was looked for.
        places: [PathBuf; 2],
        /// Why it could not be mounted.
        source: io::Error,
    },
    /// Something of it could not be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The kernel describes a tracepoint in another way than it used to.
    #[error("cannot understand the description of the tracepoint `{name}`")]
    Format {
        /// The tracepoint.
        name: Name,
        /// Why.
        source: FormatError,
    },
}

/// The trace file system.
#[derive(Debug)]
pub struct Tracefs {
    root: PathBuf,
    /// What `root` leads through, if it is mounted for this process alone.
    _mount: Option<OwnedFd>,
}

impl Tracefs {
    /// Where the machine whose root is at `host_root` has it mounted. Where that is nowhere it is mounted for this object
    /// alone, at no place: no mount table changes. There is one tracefs for all of a kernel, so it is the same.
    ///
    /// # Errors
    ///
    /// When it can be had in neither way.
    pub fn find(host_root: &Path) -> Result<Self, TracefsError> {
        let places = PLACES.map(|place| host_root.join(place));
        if let Some(root) = places.iter().find(|place| place.join(EVENTS).is_dir()) {
            return Ok(Self::at(root));
        }
        let mount = mount().map_err(|source| TracefsError::NotMounted { places, source })?;
        Ok(Self { root: format!("/proc/self/fd/{}", mount.as_raw_fd()).into(), _mount: Some(mount) })
    }

    /// The one that is at a place.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_owned(), _mount: None }
    }

    /// Where it is, as this process finds it.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The names of all tracepoints, sorted.
    ///
    /// # Errors
    ///
    /// When they cannot be listed.
    pub fn names(&self) -> Result<Vec<Name>, TracefsError> {
        let mut names = Vec::new();
        for category in directories(&self.root.join(EVENTS))? {
            let path = self.root.join(EVENTS).join(&category);
            // What is no tracepoint, such as the switch of the category, is a file.
            let found = directories(&path)?.into_iter();
            let found = found.filter(|name| path.join(name).join("format").is_file());
            names.extend(found.map(|name| Name { category: category.clone(), name }));
        }
        names.sort();
        Ok(names)
    }

    /// What a tracepoint's records hold.
    ///
    /// # Errors
    ///
    /// When the description cannot be read or understood.
    pub fn format(&self, name: &Name) -> Result<Format, TracefsError> {
        let text = self.description(name)?;
        Format::parse(&text).map_err(|source| TracefsError::Format { name: name.clone(), source })
    }

    /// The description of a tracepoint's records, as the kernel writes it.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn description(&self, name: &Name) -> Result<String, TracefsError> {
        let path = self.root.join(EVENTS).join(&name.category).join(&name.name).join("format");
        fs::read_to_string(&path).map_err(|source| TracefsError::Read { path, source })
    }
}

/// Mounts it at no place, which takes `CAP_SYS_ADMIN`.
fn mount() -> io::Result<OwnedFd> {
    let context = fsopen("tracefs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_create(&context)?;
    Ok(fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::MOUNT_ATTR_RDONLY)?)
}

fn directories(path: &Path) -> Result<Vec<String>, TracefsError> {
    let failed = |source| TracefsError::Read { path: path.to_owned(), source };
    let mut names = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_type().map_err(failed)?.is_dir() {
            names.extend(entry.file_name().into_string().ok());
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use tempfile::TempDir;

    use super::*;

    /// A root where tracefs has these files.
    fn root(place: &str, files: &[(&str, &str)]) -> TempDir {
        let root = TempDir::new().expect("a directory can be made");
        for (file, text) in files {
            let path = root.path().join(place).join(EVENTS).join(file);
            fs::create_dir_all(path.parent().expect("it has one")).expect("a directory can be made");
            fs::write(path, text).expect("a file can be written");
        }
        root
    }

    #[test]
    fn found_at_either_place_and_listed() {
        for place in PLACES {
            let described = "name: b\nID: 3\nformat:\n";
            let files = [
                ("z/b/format", described),
                ("a/c/format", "what"),
                ("a/enable", "0"),
                ("a/d/id", "4"),
                ("enable", "0"),
            ];
            let root = root(place, &files);
            let tracefs = Tracefs::find(root.path()).expect("it is there");
            let names = tracefs.names().expect("they can be listed");
            assert_eq!(names.iter().map(Name::to_string).collect::<Vec<_>>(), ["a:c", "z:b"]);
            assert_eq!(tracefs.format(&names[1]).expect("it is one").id, 3);
            let error = tracefs.format(&names[0]).expect_err("it is none");
            assert_eq!(error.to_string(), "cannot understand the description of the tracepoint `a:c`");
            assert!(error.source().is_some());
            let missing = Name { category: "a".to_owned(), name: "x".to_owned() };
            let error = tracefs.format(&missing).expect_err("it is not there").to_string();
            assert!(error.starts_with("cannot read `") && error.ends_with("/events/a/x/format`"), "{error}");
        }
    }
}
