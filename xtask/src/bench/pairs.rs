//! Measurements with something attached, each beside those without right before and right after it.

use anyhow::Result;

use super::{progress, statistics::Summary};

/// Nanoseconds per operation, once with and twice without: the mean of right before and right after.
#[derive(Clone, Copy, Debug)]
struct Pair {
    with: f64,
    without: f64,
}

/// The pairs of every condition.
#[derive(Debug)]
pub(super) struct Pairs<const N: usize>([Vec<Pair>; N]);

impl<const N: usize> Pairs<N> {
    /// Measures all conditions in a changing order: `without` takes one measurement with nothing attached, `with` one with what
    /// the condition of a number attaches, and then detaches it.
    pub(super) fn measure(
        rounds: usize,
        title: &str,
        mut without: impl FnMut() -> Result<f64>,
        mut with: impl FnMut(usize) -> Result<f64>,
    ) -> Result<Self> {
        let mut pairs = [const { Vec::new() }; N];
        for round in 0..rounds {
            progress::tell(format_args!("slow-down of {title}: round {} of {rounds}", round + 1));
            let mut before = without()?;
            for turn in 0..N {
                let condition = (round + turn) % N;
                let with = with(condition)?;
                let after = without()?;
                pairs[condition].push(Pair { with, without: (before + after) / 2.0 });
                before = after;
            }
        }
        Ok(Self(pairs))
    }

    /// How many times as long a condition makes an operation.
    pub(super) fn ratio(&self, condition: usize) -> Summary {
        Summary::of(self.0[condition].iter().map(|pair| pair.with / pair.without))
    }

    /// How much longer it makes it.
    pub(super) fn extra(&self, condition: usize) -> Summary {
        Summary::of(self.0[condition].iter().map(|pair| pair.with - pair.without))
    }

    /// How long an operation takes under it.
    pub(super) fn with(&self, condition: usize) -> Summary {
        Summary::of(self.0[condition].iter().map(|pair| pair.with))
    }

    /// How long it takes with nothing attached.
    pub(super) fn without(&self) -> Summary {
        Summary::of(self.0.iter().flatten().map(|pair| pair.without))
    }
}
