//! Why something could not be stored where it belongs.

/// A cause; its number is the index into the map `LOSS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u32)]
pub enum Loss {
    /// `COUNTS` is full: the event is counted in the `other` row of its kind.
    CountsFull = 0,
    /// `COUNTS` refused the key for another reason: the event is counted in the `other` row of its kind.
    CountsRefused = 1,
    /// `EDGES` is full: the signal is counted for its target, without a sender.
    EdgesFull = 2,
    /// `EDGES` refused the key for another reason: the signal is counted for its target, without a sender.
    EdgesRefused = 3,
    /// The notice ring is full: userspace walks cgroupfs instead.
    NoticesFull = 4,
}

impl Loss {
    /// Every cause, in the order of its number.
    pub const ALL: [Self; 5] =
        [Self::CountsFull, Self::CountsRefused, Self::EdgesFull, Self::EdgesRefused, Self::NoticesFull];

    /// How many causes there are.
    pub const COUNT: usize = Self::ALL.len();

    /// The map that could not take it, in lower case.
    #[must_use]
    pub const fn map(self) -> &'static str {
        match self {
            Self::CountsFull | Self::CountsRefused => "counts",
            Self::EdgesFull | Self::EdgesRefused => "edges",
            Self::NoticesFull => "notices",
        }
    }

    /// The reason in the `reason` label.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::CountsFull | Self::EdgesFull | Self::NoticesFull => "full",
            Self::CountsRefused | Self::EdgesRefused => "other",
        }
    }
}
