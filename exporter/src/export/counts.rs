//! The counts of events: the families of the probes.

use std::{collections::HashMap, fmt};

use doubleslit_common::kind::Kind;

use super::{own::MetricKind, rows::Out};
use crate::{
    counts::snapshot::{Lifecycle, Snapshot, Subject},
    identity::Scope,
    probes::{Family, Source, Values},
};

const SENDER_LABELS: [&str; 2] = ["sender_container", "sender_namespace"];
const LIFECYCLE_LABELS: [&str; 4] = ["namespace", "pod", "container", "runtime"];

/// The sender of signals that were counted without one, because the map of the edges was full.
const UNKNOWN_SENDER: (&str, &str) = ("other", "");

/// The identity label values of what has no identity.
pub(super) struct Nobody {
    host: Vec<String>,
    other: Vec<String>,
}

impl Nobody {
    pub(super) fn new(names: &[&str]) -> Self {
        let other = |name: &&str| if *name == "container" { "other".to_owned() } else { String::new() };
        Self { host: vec![String::new(); names.len()], other: names.iter().map(other).collect() }
    }
}

/// The subjects that share their label values, hence their rows.
pub(super) struct Group<'a> {
    labels: &'a [String],
    /// Whether the rows that every container has belong here.
    zeros: bool,
    subjects: Vec<&'a Subject>,
}

pub(super) fn groups<'a>(snapshot: &'a Snapshot, nobody: &'a Nobody) -> Vec<Group<'a>> {
    let mut groups = Vec::<Group<'a>>::with_capacity(snapshot.subjects.len());
    let mut positions = HashMap::with_capacity(snapshot.subjects.len());
    for subject in &snapshot.subjects {
        let labels: &[String] = match subject.scope {
            Scope::Host => &nobody.host,
            Scope::Other => &nobody.other,
            Scope::Pod | Scope::Container => &subject.labels,
        };
        let position = *positions.entry(labels).or_insert_with(|| {
            groups.push(Group { labels, zeros: false, subjects: Vec::with_capacity(1) });
            groups.len() - 1
        });
        let group = &mut groups[position];
        group.zeros |= subject.scope == Scope::Container;
        group.subjects.push(subject);
    }
    groups
}

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
    groups: &[Group<'_>],
) -> fmt::Result {
    let with_sender = family.source == Source::Edges;
    let mut labels = [names, family.labels].concat();
    if with_sender {
        labels.extend(SENDER_LABELS);
    }
    let mut rows = out.family(family.name, family.help, MetricKind::Counter, &labels);
    let (mut found, mut values) = (Vec::new(), Vec::new());
    for group in groups {
        collect(family, group, with_sender, &mut found);
        values.clear();
        values.extend(group.labels.iter().map(String::as_str));
        for row in found.drain(..) {
            values.truncate(group.labels.len());
            values.extend(&row.values[..family.labels.len()]);
            if with_sender {
                values.extend([row.sender.0, row.sender.1]);
            }
            rows.row(&values, row.count)?;
        }
    }
    Ok(())
}

/// The rows of a group, each set of label values once.
fn collect<'a>(family: &Family, group: &Group<'a>, with_sender: bool, found: &mut Vec<Row<'a>>) {
    if group.zeros {
        found.extend(family.zeros.iter().map(|values| Row { values: *values, sender: ("", ""), count: 0 }));
    }
    for subject in &group.subjects {
        let sender = if with_sender { UNKNOWN_SENDER } else { ("", "") };
        for ((_, detail), count) in subject.counts.range((family.kind, 0)..=(family.kind, u32::MAX)) {
            if let Some(values) = (family.values)(*detail) {
                found.push(Row { values, sender, count: *count });
            }
        }
        if family.kind == Kind::SignalGenerate {
            for ((detail, sender), count) in &subject.edges {
                let sender =
                    if with_sender { (sender.container.as_str(), sender.namespace.as_str()) } else { ("", "") };
                if let Some(values) = (family.values)(*detail) {
                    found.push(Row { values, sender, count: *count });
                }
            }
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
    let mut found = snapshot.lifecycles.iter().map(|row| (key(row), count(row, family.kind))).collect::<Vec<_>>();
    found.sort_unstable();
    found.dedup_by(|later, earlier| {
        let same = later.0 == earlier.0;
        if same {
            earlier.1 += later.1;
        }
        same
    });
    let mut rows = out.family(family.name, family.help, MetricKind::Counter, &LIFECYCLE_LABELS);
    found.into_iter().try_for_each(|(values, count)| rows.row(&values, count))
}

fn key(row: &Lifecycle) -> [&str; 4] {
    let Lifecycle { namespace, pod, container, runtime, starts: _, stops: _ } = row;
    [namespace, pod, container, runtime.name()]
}

fn count(row: &Lifecycle, kind: Kind) -> u64 {
    match kind {
        Kind::ContainerStart => row.starts,
        Kind::ContainerStop => row.stops,
        _ => 0,
    }
}
