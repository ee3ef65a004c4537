//! The counts of events: the families of the probes.

use std::{fmt, sync::Arc};

use doubleslit_common::kind::Kind;

use super::{
    own::MetricKind,
    rows::{Number, Out},
};
use crate::{
    counts::snapshot::{Lifecycle, Snapshot, Subject},
    identity::Scope,
    probes::{Family, Source, Values},
};

const SENDER_LABELS: [&str; 2] = ["sender_container", "sender_namespace"];
/// The sender of a row that has none.
const NO_SENDER: (&str, &str) = ("", "");
const LIFECYCLE_LABELS: [&str; 4] = ["namespace", "pod", "container", "runtime"];

/// A row before its identity labels.
struct Row<'a> {
    values: Values,
    sender: (&'a str, &'a str),
    count: u64,
}

impl<'a> Row<'a> {
    fn key(&self) -> (Values, (&'a str, &'a str)) {
        (self.values, self.sender)
    }
}

/// Writes a family whose rows belong to subjects.
pub(super) fn subjects(
    out: &mut Out<'_>,
    family: &'static Family,
    names: &[&str],
    subjects: &[Arc<Subject>],
) -> fmt::Result {
    let with_sender = family.source == Source::Edges;
    let mut labels = [names, family.labels].concat();
    if with_sender {
        labels.extend(SENDER_LABELS);
    }
    let mut rows = out.family(family.name, family.help, MetricKind::Counter, &labels);
    let (mut found, mut values) = (Vec::new(), Vec::new());
    for subject in subjects {
        collect(family, subject, with_sender, &mut found);
        values.clear();
        values.extend(subject.labels.iter().map(String::as_str));
        for row in found.drain(..) {
            values.truncate(subject.labels.len());
            values.extend(&row.values[..family.labels.len()]);
            if with_sender {
                values.extend([row.sender.0, row.sender.1]);
            }
            // A row with a sender goes with its sender, and begins anew.
            let number = Number::of(family.kind, row.count);
            if with_sender {
                rows.row(&values, number)?;
            } else {
                rows.row_since(&values, number, subject.created)?;
            }
        }
    }
    Ok(())
}

/// The rows of a subject, each set of label values once: a family may not tell all details apart.
fn collect<'a>(family: &Family, subject: &'a Subject, with_sender: bool, found: &mut Vec<Row<'a>>) {
    let mut add = |values: Option<Values>, sender, count| {
        found.extend(values.map(|values| Row { values, sender, count }));
    };
    if subject.scope == Scope::Container {
        family.zeros.iter().for_each(|values| add(Some(*values), NO_SENDER, 0));
    }
    if with_sender {
        for ((detail, sender), count) in &subject.edges {
            add((family.values)(*detail), (&sender.container, &sender.namespace), *count);
        }
    } else {
        for (detail, count) in subject.of(family.kind) {
            add((family.values)(detail), NO_SENDER, count);
        }
    }
    if found.len() > 1 {
        found.sort_by(|a, b| a.key().cmp(&b.key()));
        found.dedup_by(|later, earlier| {
            let same = later.key() == earlier.key();
            if same {
                earlier.count += later.count;
            }
            same
        });
    }
}

/// Writes a family of starts or stops.
pub(super) fn lifecycles(out: &mut Out<'_>, family: &'static Family, snapshot: &Snapshot) -> fmt::Result {
    let extra = snapshot.labels.extra.iter().map(|label| label.label.as_str());
    let labels = LIFECYCLE_LABELS.into_iter().chain(extra).collect::<Vec<_>>();
    let mut rows = out.family(family.name, family.help, MetricKind::Counter, &labels);
    snapshot.lifecycles.iter().try_for_each(|row| rows.row_since(&key(row), count(row, family.kind), row.created))
}

fn key(row: &Lifecycle) -> Vec<&str> {
    let Lifecycle { namespace, pod, container, runtime, extra, created: _, starts: _, stops: _ } = row;
    let named = [namespace.as_str(), pod, container, runtime.name()];
    named.into_iter().chain(extra.iter().map(String::as_str)).collect()
}

fn count(row: &Lifecycle, kind: Kind) -> u64 {
    match kind {
        Kind::ContainerStart => row.starts,
        Kind::ContainerStop => row.stops,
        _ => 0,
    }
}
