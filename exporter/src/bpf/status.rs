//! What is loaded, what is not, and why.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    time::Duration,
};

use doubleslit_common::kind::Kind;

use super::sys;
use crate::probes::Program;

/// The state of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeStatus {
    /// The probe's name.
    pub name: &'static str,
    /// Whether it counts.
    pub state: ProbeState,
    /// Why it does not; empty when it does.
    pub reason: String,
}

/// The state of the single events of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventStatus {
    /// The kind.
    pub kind: Kind,
    /// Whether they are sent.
    pub state: ProbeState,
    /// Why they are not; empty when they are.
    pub reason: String,
}

/// Whether a probe counts, or a program sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeState {
    /// Its programs are attached.
    Up,
    /// The configuration switches it off.
    Off,
    /// The running kernel lacks something that it needs.
    Unsupported,
    /// The kernel refused it.
    Failed,
}

impl ProbeState {
    /// The value of the `state` label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Off => "off",
            Self::Unsupported => "unsupported",
            Self::Failed => "failed",
        }
    }
}

/// What the kernel says of an attached program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramStatus {
    /// The program's name.
    pub name: &'static str,
    /// The tracepoint that it is attached to.
    pub tracepoint: &'static str,
    /// The kernel's number for it.
    pub id: u32,
    /// Runs that the kernel skipped, because the program interrupted itself: events that were not counted.
    pub misses: u64,
    /// Runs while the kernel's statistics were on.
    pub runs: u64,
    /// Time spent in these runs.
    pub run_time: Duration,
}

/// An attached program.
#[derive(Debug)]
pub struct AttachedProgram {
    /// What it is.
    pub program: &'static Program,
    /// The kernel's program.
    pub fd: OwnedFd,
}

impl AttachedProgram {
    /// Asks the kernel about the program.
    ///
    /// # Errors
    ///
    /// When the kernel refuses.
    pub fn status(&self) -> io::Result<ProgramStatus> {
        let info = sys::program_info(self.fd.as_fd())?;
        Ok(ProgramStatus {
            name: self.program.name,
            tracepoint: self.program.tracepoint,
            id: info.id,
            misses: info.recursion_misses,
            runs: info.run_cnt,
            run_time: Duration::from_nanos(info.run_time_ns),
        })
    }
}
