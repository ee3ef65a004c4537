//! How long a system call took: the detail of [`Kind::SyscallLatency`](crate::kind::Kind::SyscallLatency), made of the call and
//! a bucket of its histogram.

use super::syscall::CALLS;

/// How long the calls of each bucket took at most, in nanoseconds: from a microsecond to ten seconds. The last bucket has no
/// bound.
pub const BOUNDS: [u64; 22] = [
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    10_000_000_000,
];

/// How many buckets there are.
pub const BUCKETS: usize = BOUNDS.len() + 1;

const _: () = assert!(CALLS * BUCKETS <= crate::key::DETAIL_LIMIT as usize, "every call and bucket has a detail");

/// The bucket of a time, from 0 on: the first one whose bound it does not exceed. Most calls are short, and found at once.
#[inline(always)]
#[must_use]
pub const fn bucket(nanoseconds: u64) -> u32 {
    let mut bucket = 0;
    while bucket < BOUNDS.len() && nanoseconds > BOUNDS[bucket] {
        bucket += 1;
    }
    bucket as u32
}

/// The detail of a call with its bucket. [`call_of`](super::syscall::call_of) tells the call again.
#[inline(always)]
#[must_use]
pub const fn detail(call: u32, bucket: u32) -> u32 {
    bucket * CALLS as u32 + call
}

/// The bucket that a detail tells; the last one for a detail that tells none.
#[must_use]
pub const fn bucket_of(detail: u32) -> u32 {
    let (bucket, last) = (detail / CALLS as u32, BOUNDS.len() as u32);
    if bucket < last { bucket } else { last }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        key::DETAIL_LIMIT,
        probes::syscall::{OTHER, call_of},
    };

    const LAST: u32 = BUCKETS as u32 - 1;

    #[test]
    fn bounds_belong_to_the_bucket_below() {
        assert_eq!(bucket(0), 0);
        for (number, bound) in (0..).zip(BOUNDS) {
            assert_eq!([bound - 1, bound, bound + 1].map(bucket), [number, number, number + 1], "{bound} ns");
        }
        assert_eq!([60_000_000_000, u64::MAX].map(bucket), [LAST; 2]);
    }

    #[test]
    fn bounds_go_up_in_steps_of_two_to_two_and_a_half() {
        for step in BOUNDS.windows(2) {
            assert!((2 * step[0]..=5 * step[0] / 2).contains(&step[1]), "{step:?}");
        }
        assert_eq!((BOUNDS[0], BOUNDS[BOUNDS.len() - 1]), (1_000, 10_000_000_000));
    }

    #[test]
    fn details_tell_call_and_bucket() {
        for call in [0, 1, 230, OTHER] {
            for bucket in 0..=LAST {
                let detail = detail(call, bucket);
                assert_eq!((call_of(detail), bucket_of(detail)), (call, bucket));
                assert!(detail < DETAIL_LIMIT);
            }
        }
        assert_eq!((call_of(u32::MAX), bucket_of(u32::MAX)), (OTHER, LAST), "of a row `other`");
    }
}
