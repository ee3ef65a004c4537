//! How a process ended: the detail of [`Kind::Exit`](crate::kind::Kind::Exit), and its event.

use crate::{
    event::{Header, Process},
    wire::wire,
};

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Outcome {
    /// With status 0.
    Success = 0,
    /// With another status.
    Failure = 1,
    /// By a signal.
    Signal = 2,
}

impl Outcome {
    /// Every outcome, in the order of its number.
    pub const ALL: [Self; 3] = [Self::Success, Self::Failure, Self::Signal];

    /// The outcome that a wait status tells (`task_struct.exit_code`: signal in the low 7 bits, status in the next 8).
    #[inline(always)]
    #[must_use]
    pub const fn of(exit_code: u32) -> Self {
        if exit_code & 0x7f != 0 {
            Self::Signal
        } else if exit_code != 0 {
            Self::Failure
        } else {
            Self::Success
        }
    }

    /// The name in the `outcome` label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Signal => "signal",
        }
    }

    /// The outcome with this number.
    #[must_use]
    pub const fn from_detail(detail: u32) -> Option<Self> {
        match detail {
            0 => Some(Self::Success),
            1 => Some(Self::Failure),
            2 => Some(Self::Signal),
            _ => None,
        }
    }
}

/// The record of the event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Exit {
    /// What all records have.
    pub header: Header,
    /// The process, as seen by its last thread.
    pub process: Process,
    /// Its wait status, see [`Outcome::of`]; with [`CORE_DUMPED`].
    pub status: u32,
    /// 1 when the OOM killer had chosen it.
    pub is_oom_victim: u32,
}

wire!(Exit { header: Header, process: Process, status: u32, is_oom_victim: u32 });

/// The bit of a wait status that tells of a core dump.
pub const CORE_DUMPED: u32 = 0x80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wait_statuses() {
        assert_eq!(Outcome::of(0), Outcome::Success);
        assert_eq!(Outcome::of(1 << 8), Outcome::Failure);
        assert_eq!(Outcome::of(255 << 8), Outcome::Failure);
        assert_eq!(Outcome::of(9), Outcome::Signal);
        assert_eq!(Outcome::of(11 | 0x80), Outcome::Signal);
    }
}
