//! The namespaces of a process, as `/proc/PID/ns` tells them.

use std::{
    collections::BTreeMap,
    io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, CWD, Mode, OFlags, openat, readlinkat, statat},
    io::Errno,
};

/// A type of namespace, in the order in which they are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Type {
    /// Network devices, addresses, ports.
    Net,
    /// System V objects and POSIX message queues.
    Ipc,
    /// Host name.
    Uts,
    /// Mounts.
    Mnt,
    /// Process ids.
    Pid,
    /// User and group ids, capabilities.
    User,
    /// The root of the cgroups that are seen.
    Cgroup,
    /// The clocks since boot. Linux has it since 5.6.
    Time,
}

impl Type {
    /// Every type.
    pub const ALL: [Self; 8] =
        [Self::Net, Self::Ipc, Self::Uts, Self::Mnt, Self::Pid, Self::User, Self::Cgroup, Self::Time];

    /// Its name, which is also that of its file in `/proc/PID/ns`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Net => "net",
            Self::Ipc => "ipc",
            Self::Uts => "uts",
            Self::Mnt => "mnt",
            Self::Pid => "pid",
            Self::User => "user",
            Self::Cgroup => "cgroup",
            Self::Time => "time",
        }
    }

    /// The name of the file about the children that a process will have, for the types in which these can be elsewhere.
    #[must_use]
    pub const fn for_children(self) -> Option<&'static str> {
        match self {
            Self::Pid => Some("pid_for_children"),
            Self::Time => Some("time_for_children"),
            Self::Net | Self::Ipc | Self::Uts | Self::Mnt | Self::User | Self::Cgroup => None,
        }
    }
}

/// The namespaces of a process. A namespace's id is the inode number of its file, the number in `net:[4026531840]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Namespaces {
    /// Those that it is in. A type that the kernel does not have is left out.
    pub own: BTreeMap<Type, u64>,
    /// Those that its next children will be in, where these are others. `None` is a namespace that has had no process yet,
    /// of which the kernel tells no id.
    pub children: BTreeMap<Type, Option<u64>>,
}

/// Why the namespaces of a process are not known.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such process.
    #[error("there is no process `{pid}`")]
    NoProcess {
        /// Its id.
        pid: u32,
    },
    /// It is a process of which only the exit status is left.
    #[error(
        "process `{pid}` has ended and is in no namespaces any more; its parent has yet to collect its exit status"
    )]
    Ended {
        /// Its id.
        pid: u32,
    },
    /// The process is somebody else's.
    #[error("may not read the namespaces of process `{pid}`; run it as root with `CAP_SYS_PTRACE`")]
    Forbidden {
        /// Its id.
        pid: u32,
        /// What the kernel says.
        source: io::Error,
    },
    /// A file of proc could not be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file of proc is not what it is documented to be (namespaces(7)).
    #[error("`{}` leads to `{found}` instead of a namespace", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where it leads.
        found: String,
    },
}

/// Reads the namespaces of a process, or of a single thread, from the proc file system at `proc`.
///
/// # Errors
///
/// When there is no such process, when it is somebody else's, or when proc cannot be read.
pub fn of(proc: &Path, pid: u32) -> Result<Namespaces, Error> {
    // Everything is read below this directory, which stays that of this process when its id goes to another one.
    let path = proc.join(pid.to_string()).join("ns");
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = openat(CWD, &path, flags, Mode::empty()).map_err(|error| failure(pid, &path, error))?;
    let links = Links { pid, path: &path, directory };

    let mut namespaces = Namespaces::default();
    for kind in Type::ALL {
        let Some(own) = links.read(kind.name())? else { continue };
        namespaces.own.insert(kind, own);
        if let Some(name) = kind.for_children() {
            let children = links.read(name)?;
            if children != Some(own) && (children.is_some() || links.has(name)) {
                namespaces.children.insert(kind, children);
            }
        }
    }
    // Every kernel has namespaces of mounts, and a process leaves its own when it ends.
    if namespaces.own.contains_key(&Type::Mnt) {
        return Ok(namespaces);
    }
    Err(if namespaces.own.is_empty() { Error::NoProcess { pid } } else { Error::Ended { pid } })
}

/// The links in a process's directory `ns`.
struct Links<'a> {
    pid: u32,
    path: &'a Path,
    directory: OwnedFd,
}

impl Links<'_> {
    /// The id of the namespace that a link leads to; nothing where there is no such link or it leads nowhere.
    fn read(&self, name: &str) -> Result<Option<u64>, Error> {
        match readlinkat(&self.directory, name, Vec::new()) {
            Ok(target) => {
                let target = target.to_string_lossy();
                // namespaces(7): a namespace without a process yet has an empty name.
                if target.is_empty() { Ok(None) } else { self.id(name, &target).map(Some) }
            }
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(failure(self.pid, &self.path.join(name), error)),
        }
    }

    fn id(&self, name: &str, target: &str) -> Result<u64, Error> {
        let number = target.split_once(":[").and_then(|(_, rest)| rest.strip_suffix(']')?.parse().ok());
        number.ok_or_else(|| Error::Malformed { path: self.path.join(name), found: target.to_owned() })
    }

    fn has(&self, name: &str) -> bool {
        statat(&self.directory, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }
}

fn failure(pid: u32, path: &Path, error: Errno) -> Error {
    match error {
        Errno::NOENT | Errno::SRCH => Error::NoProcess { pid },
        Errno::ACCESS | Errno::PERM => Error::Forbidden { pid, source: error.into() },
        _ => Error::Read { path: path.to_owned(), source: error.into() },
    }
}

#[cfg(test)]
mod tests;
