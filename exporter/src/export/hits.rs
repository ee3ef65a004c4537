//! The hits of tracepoints.

use std::{collections::BTreeMap, fmt, sync::Arc};

use super::{own::MetricKind, rows::Out};
use crate::{counts::snapshot::Subject, probes::tracepoint::FAMILY, tracepoints::hits::Hits};

/// Writes their family, whose labels depend on what is counted.
pub(super) fn write(out: &mut Out<'_>, hits: &Hits, names: &[&str], subjects: &[Arc<Subject>]) -> fmt::Result {
    let own = hits.labels();
    let labels: Vec<_> = names.iter().copied().chain(own.iter().map(String::as_str)).collect();
    let mut rows = out.family(FAMILY.name, FAMILY.help, MetricKind::Counter, &labels);
    for subject in subjects {
        // Several details can have the same values, where these are not known.
        let mut found = BTreeMap::<_, u64>::new();
        for (detail, count) in subject.of(FAMILY.kind) {
            *found.entry(hits.values(detail)).or_default() += count;
        }
        for (values, count) in found {
            let values: Vec<_> = subject.labels.iter().chain(&values).map(String::as_str).collect();
            rows.row_since(&values, count, subject.created)?;
        }
    }
    Ok(())
}
