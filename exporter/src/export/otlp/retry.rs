//! Whether, and when, a request is sent again.

use std::time::Duration;

/// The first pause, doubled with every attempt.
const FIRST: Duration = Duration::from_millis(100);
/// The longest pause that is chosen here.
const LONGEST: Duration = Duration::from_secs(5);
/// The longest pause that a collector may ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(120);

/// What a collector, or the way to it, said to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It was taken, but for so many records or points.
    Taken {
        /// What was not taken.
        rejected: u64,
        /// What the collector says to that.
        message: String,
    },
    /// It may be taken another time.
    Later {
        /// The pause that the collector asks for.
        pause: Option<Duration>,
        /// What is wrong.
        reason: String,
    },
    /// It will never be taken.
    Refused {
        /// What is wrong.
        reason: String,
    },
}

impl Answer {
    /// It may be taken another time.
    pub(super) fn later(reason: impl ToString) -> Self {
        Self::Later { pause: None, reason: reason.to_string() }
    }
}

/// The pause before a request is sent again, after so many attempts; nothing when it is given up, because it would be later than
/// `give_up` after the first one. `chance` is between 0 and 1.
pub(super) fn pause(
    asked: Option<Duration>,
    attempts: u32,
    since_first: Duration,
    give_up: Option<Duration>,
    chance: f64,
) -> Option<Duration> {
    let pause = match asked {
        Some(asked) => asked.min(LONGEST_ASKED),
        None => {
            let doubled = FIRST.saturating_mul(1 << attempts.saturating_sub(1).min(16));
            // Half of it is left to chance, so that many exporters do not come back at once.
            doubled.min(LONGEST).mul_f64(0.5 + chance / 2.0)
        }
    };
    (give_up.is_none_or(|limit| since_first + pause <= limit)).then_some(pause)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn milliseconds(pause: Option<Duration>) -> Option<u128> {
        pause.map(|pause| pause.as_millis())
    }

    #[test]
    fn pauses_double_up_to_a_limit_and_vary_by_half() {
        for (attempts, shortest, longest) in
            [(1, 50, 100), (2, 100, 200), (3, 200, 400), (6, 1600, 3200), (7, 2500, 5000), (1000, 2500, 5000)]
        {
            let pause = |chance| milliseconds(super::pause(None, attempts, Duration::ZERO, None, chance));
            assert_eq!((pause(0.0), pause(1.0)), (Some(shortest), Some(longest)));
        }
    }

    #[test]
    fn a_collector_may_ask_for_a_pause_within_reason() {
        let asked = |seconds| milliseconds(pause(Some(Duration::from_secs(seconds)), 1, Duration::ZERO, None, 0.5));
        assert_eq!((asked(0), asked(7), asked(86_400)), (Some(0), Some(7000), Some(120_000)));
    }

    #[test]
    fn a_request_is_given_up_in_time() {
        let after = |seconds| pause(None, 9, Duration::from_secs(seconds), Some(MINUTE), 1.0).is_some();
        assert_eq!((after(55), after(56)), (true, false));
        assert!(pause(None, 9, 1000 * MINUTE, None, 1.0).is_some());
        assert!(pause(Some(2 * MINUTE), 1, Duration::ZERO, Some(MINUTE), 0.0).is_none());
    }
}
