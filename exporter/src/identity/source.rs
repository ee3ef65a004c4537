//! A source of names: a runtime's files on disk, or its socket.

use std::{fmt::Debug, time::Instant};

use super::{
    Runtime,
    facts::Facts,
    failures::{Reason, Source as Name},
};

/// Somebody who knows containers.
///
/// Asking never waits. A source of files reads some of bounded size. A source with a socket tells what it has heard; what it
/// has not heard yet it asks for in the background, and tells of it by [`Source::news`].
pub trait Source: Debug + Send {
    /// Its name.
    fn name(&self) -> Name;

    /// What it knows of a container; nothing when the container is none of its own.
    ///
    /// # Errors
    ///
    /// When it should know but does not. [`Reason::Missing`] is a container that it has never heard of.
    fn tell(&self, wanted: &Wanted<'_>) -> Result<Option<Facts>, Trouble>;

    /// The ids of containers of which it knows more than when it was last asked.
    fn news(&mut self) -> Vec<String> {
        Vec::new()
    }

    /// Whether it answers; nothing for one that has no socket.
    fn is_up(&self) -> Option<bool> {
        None
    }
}

/// The container that is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Its runtime as the path of its cgroup tells it; nothing where the path alone tells no container.
    pub runtime: Option<Runtime>,
    /// Its id as the path tells it; empty where the path alone tells no container.
    pub id: &'a str,
    /// The path of its own cgroup, from the root of the hierarchy.
    pub cgroup: &'a str,
    /// A time when the cgroup was already there: who last looked before it may have missed the container.
    pub since: Instant,
}

/// Why a source told nothing.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct Trouble {
    /// The kind of failure, for counting.
    pub reason: Reason,
    /// What exactly happened.
    pub error: Box<dyn std::error::Error + Send + Sync>,
}
