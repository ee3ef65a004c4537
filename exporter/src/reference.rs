//! The references of metrics, events and configuration, printed from what the exporter itself works by.

mod configuration;
mod events;

use std::fmt::Write;

pub use self::{
    configuration::{configuration, schema},
    events::events,
};
use crate::{
    export::{METRICS, MetricKind},
    probes::{Family, PROBES, Probe, Source, lost, tracepoint::FAMILY},
};

const HEAD: &str = "# Metrics

Printed from the tables in `exporter/src/probes` and `exporter/src/export/own.rs` by `cargo xtask docs`; do not edit.

`{I}` stands for the identity labels: by default `namespace`, `pod`, `container` and `container_id` (setting
`identity.labels`). The host's own processes have empty ones. What could not be attributed has `container=\"other\"`.
Behind them come the label `unit` with the host's systemd units (setting `identity.unit`), and the labels that containers or
pods bring along (setting `identity.extra_labels`); container starts and stops have these last ones too.

A row never falls while it is exposed. The rows of a container stay for a grace time after it is gone (setting
`retention.grace`), then they disappear, and what they counted is in `doubleslit_events_retired_total`. Rows also go when the
configuration is read again with other labels, or with rules that have their owner ignored.

An increment that has no row of its own is in a row `other`, and in `doubleslit_counts_folded_total` with its reason:

| reason | why | where it is |
|---|---|---|
| `full`, `other` | a map has no place left, or refused the key | the row with `container=\"other\"`; signals whose sender alone is lost are in the row of their target |
| `skipped` | the kernel skipped the program | the row with `container=\"other\"` |
| `unresolved` | nothing is known of the cgroup | the row with `container=\"other\"` |
| `container_limit` | the container, pod, unit or host has `limits.series_per_container` rows | its own row with `other` as value of all labels behind those above |
| `family_limit` | the family has `limits.series_per_family` rows | the row with `container=\"other\"` |

Rows that are there go on counting when a limit is reached. The limits leave out the rows that every container has from its
first sighting on, the changes of state that are connects or accepts, and the rows `other` themselves. A histogram counts with all
of its series, and is there as a whole or not at all: together with the time that it is about.

Containers and pods that a rule of the setting `ignore` fits have no rows. What they do is counted and retired at once, and in
`doubleslit_events_ignored_total`. Signals that they send to others are in the rows of these, with their sender.

With the setting `metrics.created`, OpenMetrics also has `<name>_created` for the counters and histograms of the probes: since when
they count, in seconds since the epoch. This is the start of the container, or that of the exporter where it came later. Rows
with a sender have none, because they come and go with their sender.
";

const TRACEPOINTS: &str = "
## Tracepoints

Counts hits of the tracepoints that the setting `tracepoints` names, of the container whose task is running when it is hit,
whatever the tracepoint is about: what the kernel does in an interrupt is the interrupted task's. The program `tracepoint_hit` is
attached to all of them; it is neither loaded nor attached when none is named.

Hits are told apart by the integer fields that the setting names, three at most, each in a label `field_<name>`. It is empty
where a tracepoint is not split by the field, and `other` where the value is not known: the map `hits` was full, or 65536
different values have been seen. Fields that all tracepoints have are of no use for that, because programs do not get them.

| metric | type | labels | meaning |
|---|---|---|---|
";

/// The whole reference of the metrics, as Markdown.
#[must_use]
pub fn metrics() -> String {
    let mut text = HEAD.to_owned();
    for probe in PROBES {
        describe(&mut text, probe);
    }
    text.push_str("\n## Lost events\n\nCounted while single events are sent, whichever probe sends them.\n");
    table(&mut text, [&lost::FAMILY]);
    text.push_str(TRACEPOINTS);
    let labels = [FAMILY.labels, &["field_<name>"]].concat();
    line(&mut text, &format!("{}_total", FAMILY.name), "counter", Some("{I}"), &labels, &meaning(&FAMILY));
    text.push_str("\n## The exporter itself\n\n| metric | type | labels | meaning |\n|---|---|---|---|\n");
    for metric in METRICS {
        let identity = metric.identified.then_some("{I}");
        let (kind, suffix) = match metric.kind {
            MetricKind::Counter => ("counter", "_total"),
            MetricKind::Gauge => ("gauge", ""),
            MetricKind::Histogram => ("histogram", ""),
        };
        line(&mut text, &format!("{}{suffix}", metric.name), kind, identity, metric.labels, metric.help);
    }
    text
}

fn describe(text: &mut String, probe: &Probe) {
    // Writing to a text cannot fail, here and below.
    let _ = write!(text, "\n## Probe `{}`\n\nCounts {}.\n\n", probe.name, probe.summary);
    text.push_str("| program | tracepoint | `event` |\n|---|---|---|\n");
    for program in probe.programs {
        let events = program.kinds.iter().map(|kind| format!("`{}`", kind.name())).collect::<Vec<_>>().join(", ");
        let _ = writeln!(text, "| `{}` | `{}` | {events} |", program.name, program.tracepoint);
    }
    table(text, probe.families);
}

fn table<'a>(text: &mut String, families: impl IntoIterator<Item = &'a Family>) {
    text.push_str("\n| metric | type | labels | meaning |\n|---|---|---|---|\n");
    for family in families {
        let (identity, sender) = match family.source {
            Source::Counts => ("{I}", &[][..]),
            Source::Edges => ("{I}", &["sender_container", "sender_namespace"][..]),
            Source::Lifecycle => ("`namespace`, `pod`, `container`, `runtime`", &[][..]),
        };
        let labels = [family.labels, sender].concat();
        let (kind, suffix) = if family.kind.is_histogram() { ("histogram", "") } else { ("counter", "_total") };
        line(text, &format!("{}{suffix}", family.name), kind, Some(identity), &labels, &meaning(family));
    }
}

fn meaning(family: &Family) -> String {
    let whole = if family.whole {
        format!("; all rows together are the event `{}`", family.kind.name())
    } else {
        String::new()
    };
    let zeros =
        if family.zeros.is_empty() { "" } else { "; a container has its rows from its first sighting on, at 0" };
    format!("{}{whole}{zeros}", family.help)
}

fn line(text: &mut String, name: &str, kind: &str, identity: Option<&str>, labels: &[&str], meaning: &str) {
    let labels = labels.iter().map(|label| format!("`{label}`"));
    let labels = identity.map(str::to_owned).into_iter().chain(labels).collect::<Vec<_>>().join(", ");
    let _ = writeln!(text, "| `{name}` | {kind} | {labels} | {meaning}. |");
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use doubleslit_common::kind::Kind;

    use super::*;
    use crate::probes::{self, tracepoint::PROGRAM};

    #[test]
    fn every_metric_is_there_once() {
        let text = metrics();
        let suffix =
            |family: &Family| if family.kind.is_histogram() { "` | histogram |" } else { "_total` | counter |" };
        let families = probes::families().map(|family| format!("| `{}{}", family.name, suffix(family)));
        for name in families.chain(METRICS.iter().map(|metric| format!("| `{}", metric.name))) {
            assert!(text.contains(&name), "{name} is missing");
        }
    }

    #[test]
    fn every_kind_is_counted_by_one_program_and_whole_in_one_family() {
        let mut programs = HashMap::new();
        let mut families = HashMap::new();
        for probe in PROBES {
            for kind in probe.programs.iter().flat_map(|program| program.kinds) {
                assert_eq!(programs.insert(*kind, probe.name), None, "{} is counted twice", kind.name());
            }
        }
        for family in probes::families().filter(|family| family.whole) {
            assert_eq!(families.insert(family.kind, family.name), None, "{} is whole twice", family.kind.name());
        }
        programs.extend(PROGRAM.kinds.iter().map(|kind| (*kind, PROGRAM.name)));
        families.insert(FAMILY.kind, FAMILY.name);
        for kind in Kind::ALL {
            assert!(kind == Kind::EventLost || programs.contains_key(&kind), "no program counts {}", kind.name());
            assert!(families.contains_key(&kind), "no family is whole for {}", kind.name());
        }
    }
}
