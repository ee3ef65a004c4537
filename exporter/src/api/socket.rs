//! The unix socket.

use std::{
    fs::{self, DirBuilder, Metadata, Permissions},
    io,
    os::unix::{
        fs::{DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, PermissionsExt as _},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
};

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, listen, socket_with};

/// Only the owner of the socket may connect.
const MODE: u32 = 0o600;
/// The same for a directory that is made for it.
const DIRECTORY_MODE: u32 = 0o700;
/// Connections that may wait to be accepted.
const BACKLOG: i32 = 128;

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Its directory cannot be made.
    #[error("making the directory of `{}` (choose another place with `api.socket`, or run as root)", path.display())]
    Directory {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another process serves there.
    #[error("`{}` belongs to another process that runs: end it, or choose another place with `api.socket`", path.display())]
    InUse {
        /// The socket.
        path: PathBuf,
    },
    /// Something else is there.
    #[error("`{}` is no socket: remove it, or choose another place with `api.socket`", path.display())]
    Other {
        /// The path.
        path: PathBuf,
    },
    /// It cannot be listened on.
    #[error("listening on `{}` (choose another place with `api.socket`)", path.display())]
    Listen {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A unix socket that listens. It is removed when this is dropped.
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    place: Place,
}

/// Where a socket is. It is removed from there when this is dropped.
#[derive(Debug)]
pub struct Place {
    path: PathBuf,
    inode: (u64, u64),
}

impl Socket {
    /// Listens at a path, for which no runtime is needed. A socket there that belongs to no process any more is replaced.
    ///
    /// # Errors
    ///
    /// When that is not possible.
    pub fn bind(path: &Path) -> Result<Self, SocketError> {
        let failed = |source| SocketError::Listen { path: path.to_owned(), source };
        if let Some(directory) = path.parent() {
            let made = DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(directory);
            made.map_err(|source| SocketError::Directory { path: path.to_owned(), source })?;
        }
        match fs::symlink_metadata(path) {
            Ok(found) if !found.file_type().is_socket() => return Err(SocketError::Other { path: path.to_owned() }),
            Ok(_) => {
                if is_served(path) {
                    return Err(SocketError::InUse { path: path.to_owned() });
                }
                fs::remove_file(path).map_err(failed)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        Self::listen(path).map_err(failed)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.place.path
    }

    /// What accepts connections, and where that is.
    #[must_use]
    pub fn into_parts(self) -> (UnixListener, Place) {
        (self.listener, self.place)
    }

    fn listen(path: &Path) -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        bind(&socket, &SocketAddrUnix::new(path)?)?;
        // Before it listens, so that nobody is connected whom the mode keeps out.
        fs::set_permissions(path, Permissions::from_mode(MODE))?;
        let inode = inode(&fs::symlink_metadata(path)?);
        listen(&socket, BACKLOG)?;
        Ok(Self { listener: socket.into(), place: Place { path: path.to_owned(), inode } })
    }
}

/// Whether a process accepts connections there, or could.
fn is_served(path: &Path) -> bool {
    !matches!(UnixStream::connect(path), Err(error) if error.kind() == io::ErrorKind::ConnectionRefused)
}

fn inode(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

impl Drop for Place {
    fn drop(&mut self) {
        // Another one may have taken its place.
        if fs::symlink_metadata(&self.path).is_ok_and(|found| inode(&found) == self.inode) {
            // Who starts next replaces it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::chain;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).expect("it is there").permissions().mode() & 0o7777
    }

    fn refusal(path: &Path) -> String {
        let error = Socket::bind(path).expect_err("refused");
        chain(&error).replace(&path.display().to_string(), "SOCKET")
    }

    #[test]
    fn only_the_owner_connects_and_nothing_is_left() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("a/b/api.sock");
        let socket = Socket::bind(&path).expect("bound");
        assert_eq!((mode(&path), mode(path.parent().expect("one"))), (MODE, DIRECTORY_MODE));
        UnixStream::connect(&path).expect("it listens");
        drop(socket);
        assert!(!path.exists());
    }

    #[test]
    fn a_dead_one_is_replaced_a_live_one_is_not() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("api.sock");
        drop(UnixListener::bind(&path).expect("bound"));
        assert!(path.exists(), "what a process leaves that was killed");
        let socket = Socket::bind(&path).expect("replaced");
        assert_eq!(
            refusal(&path),
            "`SOCKET` belongs to another process that runs: end it, or choose another place with `api.socket`"
        );
        UnixStream::connect(&path).expect("it still listens");

        // What took the place of this one stays.
        fs::remove_file(&path).expect("removed");
        let other = UnixListener::bind(&path).expect("bound");
        drop(socket);
        UnixStream::connect(&path).expect("the other one listens");
        drop(other);
    }

    #[test]
    fn a_place_that_cannot_be_had_is_told() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("file");
        fs::write(&file, "kept").expect("written");
        assert_eq!(refusal(&file), "`SOCKET` is no socket: remove it, or choose another place with `api.socket`");
        assert_eq!(fs::read_to_string(&file).expect("still there"), "kept");
        let below = refusal(&file.join("api.sock"));
        assert!(below.starts_with("making the directory of `SOCKET` (choose another place"), "{below}");
        let long = directory.path().join("x".repeat(200));
        assert!(refusal(&long).starts_with("listening on `SOCKET`"), "too long for a socket");
    }
}
