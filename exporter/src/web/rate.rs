//! `rate_limit` of the web configuration: a bucket that fills with one request each interval.

use std::{sync::Mutex, sync::PoisonError, time::Instant};

use super::file::Rate;

#[derive(Debug, Default)]
pub(super) struct Bucket(Mutex<Option<Fill>>);

#[derive(Clone, Copy, Debug)]
struct Fill {
    rate: Rate,
    tokens: f64,
    at: Instant,
}

impl Bucket {
    /// Takes one, if there is one.
    pub(super) fn take(&self, rate: Rate, now: Instant) -> bool {
        let mut fill = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let full = Fill { rate, tokens: f64::from(rate.burst), at: now };
        // Another rate begins anew.
        let last = fill.filter(|last| last.rate == rate).unwrap_or(full);
        let new = now.saturating_duration_since(last.at).as_secs_f64() / rate.interval.as_secs_f64();
        let tokens = (last.tokens + new).min(f64::from(rate.burst));
        let is_there = tokens >= 1.0;
        *fill = Some(Fill { tokens: if is_there { tokens - 1.0 } else { tokens }, ..full });
        is_there
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_and_then_one_an_interval() {
        let rate = Rate { interval: Duration::from_secs(2), burst: 3 };
        let (bucket, begin) = (Bucket::default(), Instant::now());
        let at = |seconds| bucket.take(rate, begin + Duration::from_secs(seconds));
        assert_eq!([0, 0, 0, 0, 1, 2, 2].map(at), [true, true, true, false, false, true, false]);
        assert_eq!([100, 100, 100, 100].map(at), [true, true, true, false], "no more than the burst");
        let other = Rate { burst: 1, ..rate };
        assert!(bucket.take(other, begin) && !bucket.take(other, begin));
    }
}
