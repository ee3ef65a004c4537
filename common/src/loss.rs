//! Why something could not be stored where it belongs.

use crate::kind::Kind;

/// A cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u32)]
pub enum Loss {
    /// `COUNTS` is full: the event belongs to the `other` row of its kind.
    CountsFull = 0,
    /// `COUNTS` refused the key for another reason: the event belongs to the `other` row of its kind.
    CountsRefused = 1,
    /// `EDGES` is full: the signal is counted for its target, without a sender.
    EdgesFull = 2,
    /// `EDGES` refused the key for another reason: the signal is counted for its target, without a sender.
    EdgesRefused = 3,
    /// The notice ring is full: userspace walks cgroupfs instead.
    NoticesFull = 4,
    /// `HITS` is full: the hit is counted for its tracepoint, without the values that it is split by.
    HitsFull = 5,
    /// `HITS` refused the key for another reason: the hit is counted for its tracepoint, without these values.
    HitsRefused = 6,
}

impl Loss {
    /// Every cause, in the order of its number.
    pub const ALL: [Self; 7] = [
        Self::CountsFull,
        Self::CountsRefused,
        Self::EdgesFull,
        Self::EdgesRefused,
        Self::NoticesFull,
        Self::HitsFull,
        Self::HitsRefused,
    ];

    /// How many causes there are.
    pub const COUNT: usize = Self::ALL.len();

    /// How many elements the map `LOSS` has: one for every cause and kind, so that each has one writer.
    pub const INDICES: u32 = (Self::COUNT * Kind::COUNT) as u32;

    /// The index into the map `LOSS`.
    #[inline(always)]
    #[must_use]
    pub const fn index(self, kind: Kind) -> u32 {
        self as u32 * Kind::COUNT as u32 + kind as u32
    }

    /// Whether the event is in no other map: its kind's `other` row has it.
    #[must_use]
    pub const fn is_only_place(self) -> bool {
        matches!(self, Self::CountsFull | Self::CountsRefused)
    }

    /// The map that could not take it, in lower case.
    #[must_use]
    pub const fn map(self) -> &'static str {
        match self {
            Self::CountsFull | Self::CountsRefused => "counts",
            Self::EdgesFull | Self::EdgesRefused => "edges",
            Self::NoticesFull => "notices",
            Self::HitsFull | Self::HitsRefused => "hits",
        }
    }

    /// The reason in the `reason` label.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::CountsFull | Self::EdgesFull | Self::NoticesFull | Self::HitsFull => "full",
            Self::CountsRefused | Self::EdgesRefused | Self::HitsRefused => "other",
        }
    }
}
