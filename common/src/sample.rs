//! A rate for each owner: how many of its events a second are sent, and how many each of these stands for.
//!
//! What is known of an owner is one word, so that one atomic addition counts an event: the second in the upper half, how many
//! events it has had in the lower one.

use crate::wire::wire;

/// Whose rate it is: a key of the map `RATES`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct RateKey {
    /// The id of the cgroup that owns the events.
    pub cgroup: u64,
    /// A number of [`Kind`](crate::kind::Kind).
    pub kind: u32,
    /// 0.
    pub reserved: u32,
}

wire!(RateKey { cgroup: u64, kind: u32, reserved: u32 });

/// The word of an owner: a second, and how many events it has had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Second(pub u64);

impl Second {
    /// The second of a time in nanoseconds, with its first event.
    #[inline(always)]
    #[must_use]
    pub const fn first(now_ns: u64) -> Self {
        Self(((now_ns / 1_000_000_000) << 32) | 1)
    }

    /// Whether this is the same second, or a later one: another CPU may be ahead.
    #[inline(always)]
    #[must_use]
    pub const fn is_current(self, first: Self) -> bool {
        self.0 >> 32 >= first.0 >> 32
    }

    /// Whether the event after those counted here is within the rate.
    #[inline(always)]
    #[must_use]
    pub const fn admits(self, per_second: u32) -> bool {
        (self.0 as u32) < per_second
    }

    /// How many of its events were beyond the rate.
    #[inline(always)]
    #[must_use]
    pub const fn beyond(self, per_second: u32) -> u32 {
        (self.0 as u32).saturating_sub(per_second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NS: u64 = 1_000_000_000;

    #[test]
    fn a_second_admits_its_rate() {
        let mut second = Second::first(7 * NS + 1);
        let mut sent = 1;
        for _ in 1..10 {
            sent += u32::from(second.admits(3));
            second = Second(second.0 + 1);
        }
        assert_eq!((sent, second.beyond(3)), (3, 7));
        assert_eq!(Second::first(0).beyond(3), 0);
    }

    #[test]
    fn seconds_follow_one_another() {
        let (early, late) = (Second::first(7 * NS + 999_999_999), Second::first(8 * NS));
        assert!(early.is_current(early) && late.is_current(early) && !early.is_current(late));
    }
}
