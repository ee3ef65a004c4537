//! What became of starts and stops, in numbers.

use std::sync::atomic::{AtomicU64, Ordering};

use doubleslit_common::kind::Kind;

/// What became of a start or a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was noticed: the sum of those that were handed on and those that were lost.
    Generated,
    /// Those before it had not been taken yet, and there was no room for more.
    Lost,
}

/// How many starts and stops there were.
#[derive(Debug, Default)]
pub struct Numbers([[AtomicU64; Kind::COUNT]; 2]);

impl Numbers {
    /// How many of a kind had a fate.
    #[must_use]
    pub fn of(&self, kind: Kind, fate: Fate) -> u64 {
        self.0[fate as usize][kind as usize].load(Ordering::Relaxed)
    }

    pub(super) fn add(&self, kind: Kind, fate: Fate) {
        self.0[fate as usize][kind as usize].fetch_add(1, Ordering::Relaxed);
    }
}
