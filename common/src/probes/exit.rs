//! The detail of [`Kind::Exit`](crate::kind::Kind::Exit): how a process ended.

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
