//! What the page shows at once: all rows, and how the exporter is.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{extract::State as Extracted, response::Response};
use doubleslit_common::kind::Kind;
use rustix::system::uname;
use serde::Serialize;

use super::{
    Parts, Site, answer as answer_with,
    columns::{Columns, Head},
    json, not_ready,
    owners::{Owners, Shown},
};
use crate::{
    api::Problem,
    bpf::status::ProbeStatus,
    counts::snapshot::{Snapshot, Subject},
    export::Internals,
    probes::{PROBES, syscall},
};

pub(super) async fn answer(Extracted(site): Extracted<Arc<Site>>) -> Result<Response, Problem> {
    let snapshot = site.parts.source.fresh().await.ok_or_else(not_ready)?;
    let parts = site.parts.clone();
    Ok(answer_with(site.state.get(&snapshot, move |snapshot| encode(&parts, snapshot)).await?))
}

/// What a snapshot has for the page.
pub(super) fn encode(parts: &Parts, snapshot: &Snapshot) -> Result<Vec<u8>, Problem> {
    let internals = parts.source.internals();
    let columns = Columns::of(&parts.settings);
    let owners = Owners::of(snapshot);
    let mut flows = Flows::default();
    let rows = snapshot.subjects.iter().map(|subject| Row {
        owner: owners.of_subject(subject),
        counts: columns.counts(subject),
        calls: flows.of(subject),
    });
    let rows = rows.collect();
    let Flows { classes, errors, known: _ } = flows;
    json(&State {
        version: env!("CARGO_PKG_VERSION"),
        host: uname().nodename().to_string_lossy().into_owned(),
        taken: snapshot.taken.as_secs_f64(),
        time: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64(),
        events: parts.streams.is_some(),
        probes: internals.probes.iter().map(Probe::of).collect(),
        sources: &snapshot.identities.up,
        health: Health::of(&internals, snapshot),
        columns: columns.heads(),
        rows,
        classes: classes.0,
        errors: errors.0,
    })
}

#[derive(Debug, Serialize)]
struct State<'a> {
    version: &'static str,
    host: String,
    /// Seconds since the machine was started at which the maps were read.
    taken: f64,
    /// Seconds of the wall clock, now.
    time: f64,
    /// Whether single events can be had.
    events: bool,
    probes: Vec<Probe<'a>>,
    /// The sources of names that have a socket, and whether they answer.
    sources: &'a [(&'static str, bool)],
    health: Health,
    /// What the counts of a row are, behind the first one, which is of all events.
    columns: Vec<Head>,
    rows: Vec<Row<'a>>,
    /// The classes of system calls, and the errors, by the numbers that rows have for them.
    classes: Vec<&'static str>,
    errors: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    owner: Shown<'a>,
    counts: Vec<u64>,
    /// System calls: class, error, count.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    calls: Vec<(usize, usize, u64)>,
}

#[derive(Debug, Serialize)]
struct Probe<'a> {
    name: &'static str,
    state: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'a str,
    summary: &'static str,
}

impl<'a> Probe<'a> {
    fn of(status: &'a ProbeStatus) -> Self {
        let ProbeStatus { name, state, reason } = status;
        let summary = PROBES.iter().find(|probe| probe.name == *name).map_or("", |probe| probe.summary);
        Self { name, state: state.name(), reason, summary }
    }
}

/// What should be 0, or small.
#[derive(Debug, Serialize)]
struct Health {
    /// Events that the kernel could not store where they belong.
    lost: u64,
    /// Runs of programs that the kernel skipped.
    skipped: u64,
    /// Readings of the maps that failed.
    failures: u64,
    /// Counts that are in a row `other` because of a limit.
    folded: u64,
    /// Seconds that the last reading took.
    reading: f64,
    /// How full the fullest map is, from 0 to 1.
    fullest: f64,
}

impl Health {
    fn of(internals: &Internals, snapshot: &Snapshot) -> Self {
        let share = |keys: usize, capacity: usize| if capacity == 0 { 0.0 } else { keys as f64 / capacity as f64 };
        Self {
            lost: snapshot.losses.iter().map(|(_, count)| count).sum(),
            skipped: internals.programs.iter().map(|program| program.misses).sum(),
            failures: internals.poll_failures,
            folded: snapshot.folded.iter().map(|folded| folded.count).sum(),
            reading: snapshot.duration.as_secs_f64(),
            fullest: snapshot.maps.iter().map(|read| share(read.keys, read.capacity)).fold(0.0, f64::max),
        }
    }
}

/// System calls by class and error.
#[derive(Default)]
struct Flows {
    classes: Names,
    errors: Names,
    /// What details are, because the same ones come again with each container.
    known: HashMap<u32, (usize, usize)>,
}

impl Flows {
    fn of(&mut self, subject: &Subject) -> Vec<(usize, usize, u64)> {
        let mut calls = BTreeMap::new();
        for (detail, count) in subject.of(Kind::Syscall) {
            let Self { classes, errors, known } = self;
            let flow = known.entry(detail).or_insert_with(|| {
                let [call, error, ..] = syscall::values(detail).unwrap_or(["other"; 4]);
                (classes.number(syscall::class_and_group(call).0), errors.number(error))
            });
            *calls.entry(*flow).or_default() += count;
        }
        calls.into_iter().map(|((class, error), count)| (class, error, count)).collect()
    }
}

/// Names with numbers.
#[derive(Default)]
struct Names(Vec<&'static str>);

impl Names {
    fn number(&mut self, name: &'static str) -> usize {
        self.0.iter().position(|other| *other == name).unwrap_or_else(|| {
            self.0.push(name);
            self.0.len() - 1
        })
    }
}
