//! Waiting for descriptors that the runtime has no type of its own for.

use std::{io, os::fd::OwnedFd};

use tokio::io::{Interest, unix::AsyncFd};

/// A descriptor that can be waited for until it can be read.
///
/// # Errors
///
/// When the runtime cannot wait for it.
#[expect(unsafe_code, reason = "tokio wants to be told that the descriptor stays the same")]
pub(crate) fn readable(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an owned descriptor is the same, and open, until it is dropped.
    Ok(unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) }?)
}
