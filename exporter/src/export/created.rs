//! Since when a counter or a histogram counts: the samples `<name>_created` of OpenMetrics.
//!
//! The encoder cannot write them. So the time is handed to the text behind its back, and the text repeats the first line.

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
    /// The counter or histogram that is written next has counted since then.
    pub(super) fn set(&self, time: SystemTime) {
        self.0.store(time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64().to_bits(), Relaxed);
    }

    /// Completes a text that ends with the sample of a counter, or with a histogram's first one, if a time was set for it.
    pub(super) fn complete(&self, text: &mut String) {
        // The bits of a time are never 0 but for the epoch itself, which is no time that anything counts from.
        let bits = self.0.swap(0, Relaxed);
        if bits == 0 {
            return;
        }
        let line = text.trim_end_matches('\n').rfind('\n').map_or(0, |end| end + 1);
        let sample = text[line..].trim_end();
        let (Some(end), Some(value)) = (sample.find(['{', ' ']), sample.rfind(' ')) else { return };
        let name = ["_total", "_sum"].into_iter().find_map(|suffix| sample[..end].strip_suffix(suffix));
        let (Some(name), labels) = (name.map(str::to_owned), sample[end..value].to_owned()) else { return };
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{name}_created{labels} {}", f64::from_bits(bits));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_counts_is_followed_by_its_time_once() {
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
            ("a_sum{b=\"_total\"} 0.5\n", "a_sum{b=\"_total\"} 0.5\na_created{b=\"_total\"} 1700000000.25\n"),
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
