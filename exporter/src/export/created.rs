//! Since when a counter counts: the samples `<name>_created` of OpenMetrics.
//!
//! The encoder cannot write them. So the time is handed to the text behind its back, and the text repeats the counter's line.

use std::{
    fmt::Write,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{SystemTime, UNIX_EPOCH},
};

/// The way of a time from the row that is written to the text that it is in.
#[derive(Clone, Debug, Default)]
pub(super) struct Created(Arc<AtomicU64>);

impl Created {
    /// The counter that is written next has counted since then.
    pub(super) fn set(&self, time: SystemTime) {
        self.0.store(time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64().to_bits(), Relaxed);
    }

    /// Completes a text that ends with a counter's sample, if a time was set for it.
    pub(super) fn complete(&self, text: &mut String) {
        // The bits of a time are never 0 but for the epoch itself, which is no time that anything counts from.
        let bits = self.0.swap(0, Relaxed);
        if bits == 0 {
            return;
        }
        let line = text.trim_end_matches('\n').rfind('\n').map_or(0, |end| end + 1);
        let sample = text[line..].trim_end();
        // A name has no `_total` within; a label's value may have anything.
        let (Some(name), Some(value)) = (sample.find("_total"), sample.rfind(' ')) else { return };
        let labels = sample[name + "_total".len()..value].to_owned();
        let name = sample[..name].to_owned();
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{name}_created{labels} {}", f64::from_bits(bits));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_counter_is_followed_by_its_time_once() {
        let created = Created::default();
        for (before, after) in [
            ("a_total 1\n", "a_total 1\na_created 1700000000.25\n"),
            (
                "# TYPE a counter\na_total{b=\"c\"} 1\n",
                "# TYPE a counter\na_total{b=\"c\"} 1\na_created{b=\"c\"} 1700000000.25\n",
            ),
            (
                "a_total{b=\"_total 5} \\n\"} 1\n",
                "a_total{b=\"_total 5} \\n\"} 1\na_created{b=\"_total 5} \\n\"} 1700000000.25\n",
            ),
        ] {
            created.set(UNIX_EPOCH + Duration::from_millis(1_700_000_000_250));
            let mut text = before.to_owned();
            created.complete(&mut text);
            assert_eq!(text, after);
            created.complete(&mut text);
            assert_eq!(text, after);
        }
    }
}
