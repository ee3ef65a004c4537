//! Starts and stops of containers as single events. The kernel knows cgroups only; what a container is, is known here.

mod init;
mod numbers;
mod watch;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::sync::mpsc::Receiver;

pub use self::{
    init::Init,
    numbers::{Fate, Numbers},
    watch::{Lives, channel},
};
use crate::identity::{CgroupId, Identity, facts::End};

/// Where the changes come out.
pub type Changes = Receiver<Change>;

/// A container started or stopped.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// When.
    pub time: SystemTime,
    /// The id of its own cgroup.
    pub cgroup: CgroupId,
    /// That cgroup's path from the root of the hierarchy.
    pub path: Arc<str>,
    /// Who it is.
    pub identity: Arc<Identity>,
    /// Who wants to hear of it: one bit a listener.
    pub listeners: u32,
    /// What happened.
    pub what: What,
}

/// What happened to a container.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// It started. Its first process is not known when it was gone before anybody looked.
    Started(Option<Init>),
    /// It stopped.
    Stopped(Stop),
}

/// How a container stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The exit status of its first process, where a runtime told it; 128 and the signal's number for one that a signal ended.
    pub exit_code: Option<i32>,
    /// Why.
    pub reason: Reason,
    /// How long it was there.
    pub lifetime: Option<Duration>,
}

/// Why a container stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Its first process ended by itself.
    Exited,
    /// A signal ended its first process.
    Killed,
    /// The OOM killer did.
    Oom,
    /// Its cgroup is gone, and nobody told how it ended.
    Removed,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 4] = [Self::Exited, Self::Killed, Self::Oom, Self::Removed];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exited => "exited",
            Self::Killed => "killed",
            Self::Oom => "oom",
            Self::Removed => "removed",
        }
    }

    /// The reason for an end, if a runtime told of one, where the OOM killer chose a process of the container or not.
    fn of(end: Option<End>, has_oom_kill: bool) -> Self {
        match end {
            Some(End { oom_killed: true, .. }) => Self::Oom,
            None | Some(End { exit_code: KILLED, .. }) if has_oom_kill => Self::Oom,
            Some(End { exit_code, .. }) if SIGNALS.contains(&exit_code) => Self::Killed,
            Some(_) => Self::Exited,
            None => Self::Removed,
        }
    }
}

/// The exit status of a process that SIGKILL ended.
const KILLED: i32 = 128 + libc::SIGKILL;

/// The exit statuses of processes that a signal ended.
const SIGNALS: std::ops::RangeInclusive<i32> = 128 + 1..=128 + 64;

#[cfg(test)]
mod tests;
