//! Looking at processes that are not this one's: what the kernel shows only to those who might also debug them.
//!
//! Landlock hides all of that from a process that has put itself under it. So there are two ways: [`Own`] looks itself, and
//! [`Lookout`] asks a process that was made before ([`helper`]).

mod client;
pub mod helper;
mod message;
mod own;

use std::{fmt, path::Path};

pub use self::{client::Lookout, own::Own};
use crate::namespaces::Namespaces;

/// How many look for names of users at a time. A list that never comes to its end takes one of them for good.
pub const READERS: usize = 4;

/// Looks at processes. Who does it for one may wait for what a container has chosen, so nobody else waits for the same.
pub trait Look: fmt::Debug + Send {
    /// The namespaces of a process; nothing when it is gone or may not be looked at.
    fn namespaces(&mut self, pid: u32) -> Option<Namespaces>;

    /// What says how the users of a process are called; nothing when it is gone, may not be looked at, or has the same root
    /// as its parent.
    fn users(&mut self, pid: u32) -> Option<UserFiles>;

    /// The machine's list of users, empty when it cannot be read; nothing when nobody can look any more.
    fn machine_users(&mut self) -> Option<Vec<u8>>;
}

/// What says how the users of a container are called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserFiles {
    /// `/proc/PID/uid_map`.
    pub uid_map: Vec<u8>,
    /// `/etc/passwd` below its root, empty when it cannot be read.
    pub passwd: Vec<u8>,
}

/// Those who look for an exporter.
#[derive(Debug)]
pub struct Looks {
    /// For starts of containers.
    pub lives: Box<dyn Look>,
    /// For names of users.
    pub users: Vec<Box<dyn Look>>,
}

impl Looks {
    /// This process looks itself, at the machine with its root at this directory.
    #[must_use]
    pub fn own(root: &Path) -> Self {
        let own = || -> Box<dyn Look> { Box::new(Own::at(root)) };
        Self { lives: own(), users: std::iter::repeat_with(own).take(READERS).collect() }
    }
}
