//! How long system calls took, as histograms.

use std::{collections::BTreeMap, fmt, sync::Arc};

use doubleslit_common::{
    kind::Kind,
    probes::syscall_latency::{BOUNDS, BUCKETS, bucket_of},
};

use super::{own::MetricKind, rows::Out};
use crate::{counts::snapshot::Subject, probes::Family};

/// How many were how long, and how long they took all together.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Histogram {
    counts: [u64; BUCKETS],
    nanoseconds: u64,
}

impl Histogram {
    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How many seconds they took.
    pub(super) fn sum(&self) -> f64 {
        self.nanoseconds as f64 / 1e9
    }

    /// The buckets: how many seconds those took at most that are in it and in no earlier one, and how many they are. The last
    /// one has no bound.
    pub(super) fn buckets(&self) -> [(f64, u64); BUCKETS] {
        std::array::from_fn(|bucket| {
            let bound = BOUNDS.get(bucket).map_or(f64::INFINITY, |bound| *bound as f64 / 1e9);
            (bound, self.counts[bucket])
        })
    }
}

/// Writes the family of histograms.
pub(super) fn write(
    out: &mut Out<'_>,
    family: &'static Family,
    names: &[&str],
    subjects: &[Arc<Subject>],
) -> fmt::Result {
    let labels = [names, family.labels].concat();
    let mut rows = out.family(family.name, family.help, MetricKind::Histogram, &labels);
    for subject in subjects {
        // Several details have the same values: every bucket has its own.
        let mut found = BTreeMap::<_, Histogram>::new();
        for (detail, count) in subject.of(family.kind) {
            if let Some(values) = (family.values)(detail) {
                found.entry(values).or_default().counts[bucket_of(detail) as usize] += count;
            }
        }
        if found.is_empty() {
            continue;
        }
        for (call, nanoseconds) in subject.of(Kind::SyscallTime) {
            if let Some(histogram) = (family.values)(call).and_then(|values| found.get_mut(&values)) {
                histogram.nanoseconds += nanoseconds;
            }
        }
        for (own, histogram) in found {
            let identity = subject.labels.iter().map(String::as_str);
            let values: Vec<_> = identity.chain(own).take(labels.len()).collect();
            rows.histogram(&values, &histogram, subject.created)?;
        }
    }
    Ok(())
}
