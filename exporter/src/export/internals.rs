//! The metrics about the exporter itself: probes, programs, maps, reads.

use std::{fmt, time::Duration};

use doubleslit_common::kind::Kind;

use super::{
    Settings,
    otlp::{Dropped, Requests, Totals},
    own,
    rows::{Number, Out},
};
use crate::{
    bpf::{
        pin::Pinned,
        status::{EventStatus, ProbeState, ProbeStatus, ProgramStatus},
    },
    counts::snapshot::{Folded, MapRead, Snapshot},
    events::account::Account,
    privileges::{Sandbox, State},
    probes, web,
};

/// What the scrape shows of the programs, beside the counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Internals {
    /// Every probe, whether it is on or not.
    pub probes: Vec<ProbeStatus>,
    /// The kinds of single events that are wanted, whether they can be had or not.
    pub sent: Vec<EventStatus>,
    /// The programs that are loaded.
    pub programs: Vec<ProgramStatus>,
    /// Whether the kernel measures programs because this process asked for it.
    pub stats_enabled: bool,
    /// Whether the counts outlive the exporter.
    pub pinned: Pinned,
    /// What the exporter has taken from itself.
    pub sandbox: Sandbox,
    /// Since when they count, from the epoch on.
    pub begun: Duration,
    /// What became of the configuration when it was last read.
    pub reloaded: Reloaded,
    /// How often the maps could not be read.
    pub poll_failures: u64,
    /// What became of single events, if somebody listens.
    pub events: Option<Account>,
    /// What became of events that are sent by OTLP, if they are.
    pub logs: Option<Totals>,
    /// What became of metrics that are sent by OTLP, if they are.
    pub pushes: Option<Requests>,
    /// Whom the web side turned away.
    pub web: web::Totals,
}

/// What became of the configuration when it was last read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reloaded {
    /// Whether it is the one that is written.
    pub is_successful: bool,
    /// When one was taken over last, from the epoch on.
    pub succeeded: Duration,
}

/// How programs are attached: typed raw tracepoints.
const ATTACH: &str = "tp_btf";

/// The type of the programs.
const KIND: &str = "tracing";

/// The same of the program that is attached to many tracepoints.
const MANY_ATTACH: &str = "perf_event";
const MANY_KIND: &str = "tracepoint";

pub(super) fn totals(out: &mut Out<'_>, settings: &Settings, snapshot: &Snapshot) -> fmt::Result {
    let kinds: Vec<Kind> =
        Kind::ALL.into_iter().filter(|kind| settings.counted().any(|family| family.kind == *kind)).collect();
    let mut rows = out.own(&own::EVENTS_COUNTED);
    kinds.iter().try_for_each(|kind| rows.row(&[kind.name()], Number::of(*kind, snapshot.counted.get(*kind))))?;
    let mut rows = out.own(&own::EVENTS_RETIRED);
    kinds.iter().try_for_each(|kind| rows.row(&[kind.name()], Number::of(*kind, snapshot.retired.get(*kind))))?;
    if snapshot.ignoring {
        let mut rows = out.own(&own::EVENTS_IGNORED);
        kinds.iter().try_for_each(|kind| rows.row(&[kind.name()], Number::of(*kind, snapshot.ignored.get(*kind))))?;
    }
    let mut rows = out.own(&own::COUNTS_FOLDED);
    snapshot.folded.iter().try_for_each(|Folded { metric, reason, count }| {
        let family = probes::all_families().find(|family| family.name == *metric);
        rows.row(&[metric, reason], family.map_or(Number::Whole(*count), |family| Number::of(family.kind, *count)))
    })
}

pub(super) fn write(out: &mut Out<'_>, internals: &Internals, snapshot: &Snapshot) -> fmt::Result {
    let Internals {
        probes,
        sent,
        programs,
        stats_enabled,
        pinned,
        sandbox,
        begun,
        reloaded,
        poll_failures,
        events: _,
        logs,
        pushes,
        web,
    } = internals;
    out.single(&own::COUNTS_START_TIME, begun.as_secs_f64())?;
    let Reloaded { is_successful, succeeded } = *reloaded;
    out.single(&own::CONFIG_RELOAD_SUCCESSFUL, is_successful)?;
    out.single(&own::CONFIG_RELOAD_TIME, succeeded.as_secs_f64())?;
    out.own(&own::PIN_INFO).row(&[pinned.name()], true)?;
    let mut rows = out.own(&own::SANDBOX_ACTIVE);
    sandbox.0.iter().try_for_each(|(layer, state)| rows.row(&[layer.name()], matches!(state, State::Active(_))))?;
    let mut rows = out.own(&own::SANDBOX_INFO);
    for (layer, state) in &sandbox.0 {
        rows.row(&[layer.name(), state.name(), state.detail()], true)?;
    }
    let mut rows = out.own(&own::PROBE_UP);
    probes.iter().try_for_each(|probe| rows.row(&[probe.name], probe.state == ProbeState::Up))?;
    let mut rows = out.own(&own::PROBE_INFO);
    for ProbeStatus { name, state, reason } in probes {
        rows.row(&[name, attach(*state), state.name(), reason], true)?;
    }
    if !sent.is_empty() {
        let mut rows = out.own(&own::EVENT_INFO);
        for EventStatus { kind, state, reason } in sent {
            rows.row(&[kind.name(), attach(*state), state.name(), reason], true)?;
        }
    }
    self::programs(out, programs, *stats_enabled)?;
    maps(out, snapshot)?;
    let mut rows = out.own(&own::MAP_UPDATE_ERRORS);
    snapshot.losses.iter().try_for_each(|(cause, count)| rows.row(&[cause.map(), cause.reason()], *count))?;
    polls(out, snapshot)?;
    out.single(&own::POLL_FAILURES, *poll_failures)?;
    identities(out, snapshot)?;
    if let Some(logs) = logs {
        self::logs(out, logs)?;
    }
    requests(out, logs.map(|logs| logs.requests), *pushes)?;
    self::web(out, web)
}

fn web(out: &mut Out<'_>, totals: &web::Totals) -> fmt::Result {
    let web::Totals { refused, connections, is_config_good } = totals;
    out.single(&own::WEB_CONNECTIONS, *connections)?;
    let mut rows = out.own(&own::WEB_REFUSED);
    refused.iter().try_for_each(|(reason, count)| rows.row(&[reason], *count))?;
    match is_config_good {
        Some(is_good) => out.single(&own::WEB_CONFIG_GOOD, *is_good),
        None => Ok(()),
    }
}

fn attach(state: ProbeState) -> &'static str {
    if state == ProbeState::Up { ATTACH } else { "" }
}

fn logs(out: &mut Out<'_>, totals: &Totals) -> fmt::Result {
    let Totals { accepted, exported, rejected, failed, dropped, queued, queue_bytes, queue_capacity, requests: _ } =
        totals;
    out.single(&own::OTLP_ACCEPTED, *accepted)?;
    out.single(&own::OTLP_EXPORTED, *exported)?;
    out.single(&own::OTLP_REJECTED, *rejected)?;
    out.single(&own::OTLP_FAILED, *failed)?;
    let mut rows = out.own(&own::OTLP_DROPPED);
    Dropped::ALL.into_iter().try_for_each(|reason| rows.row(&[reason.name()], dropped[reason as usize]))?;
    out.single(&own::OTLP_QUEUED, *queued)?;
    out.single(&own::OTLP_QUEUE_BYTES, *queue_bytes)?;
    out.single(&own::OTLP_QUEUE_CAPACITY, *queue_capacity)
}

fn requests(out: &mut Out<'_>, logs: Option<Requests>, pushes: Option<Requests>) -> fmt::Result {
    let sent = || [("logs", logs), ("metrics", pushes)].into_iter().filter_map(|(what, it)| Some((what, it?)));
    let mut rows = out.own(&own::OTLP_REQUESTS);
    for (what, Requests { succeeded, failed, duration: _ }) in sent() {
        rows.row(&[what, "success"], succeeded)?;
        rows.row(&[what, "failure"], failed)?;
    }
    let mut rows = out.own(&own::OTLP_REQUEST_DURATION);
    sent().try_for_each(|(what, requests)| rows.row(&[what], requests.duration.as_secs_f64()))
}

fn programs(out: &mut Out<'_>, programs: &[ProgramStatus], stats_enabled: bool) -> fmt::Result {
    let mut rows = out.own(&own::PROGRAM_INFO);
    for ProgramStatus { name, tracepoint, id, misses: _, runs: _, run_time: _ } in programs {
        let id = id.to_string();
        if tracepoint.is_empty() {
            rows.row(&[name, &id, MANY_KIND, MANY_ATTACH], true)?;
        } else {
            rows.row(&[name, &id, KIND, &format!("{ATTACH}/{tracepoint}")], true)?;
        }
    }
    let mut rows = out.own(&own::PROGRAM_MISSES);
    programs.iter().try_for_each(|program| rows.row(&[program.name], program.misses))?;
    if stats_enabled {
        let mut rows = out.own(&own::PROGRAM_RUNS);
        programs.iter().try_for_each(|program| rows.row(&[program.name], program.runs))?;
        let mut rows = out.own(&own::PROGRAM_RUN_TIME);
        programs.iter().try_for_each(|program| rows.row(&[program.name], program.run_time.as_secs_f64()))?;
    }
    out.single(&own::STATS_ENABLED, stats_enabled)
}

fn maps(out: &mut Out<'_>, snapshot: &Snapshot) -> fmt::Result {
    let mut rows = out.own(&own::MAP_ENTRIES);
    snapshot.maps.iter().try_for_each(|read| rows.row(&[read.map], read.keys))?;
    let mut rows = out.own(&own::MAP_CAPACITY);
    snapshot.maps.iter().try_for_each(|read| rows.row(&[read.map], read.capacity))?;
    let mut rows = out.own(&own::MAP_READ_DURATION);
    snapshot.maps.iter().try_for_each(|read| rows.row(&[read.map], read.duration.as_secs_f64()))
}

fn identities(out: &mut Out<'_>, snapshot: &Snapshot) -> fmt::Result {
    out.single(&own::IDENTITY_ENTRIES, snapshot.identities.entries)?;
    let nameless = snapshot.containers.iter().filter(|container| container.identity.container.is_empty());
    out.single(&own::IDENTITY_UNRESOLVED, nameless.filter(|container| container.running).count())?;
    let mut rows = out.own(&own::SOURCE_UP);
    snapshot.identities.up.iter().try_for_each(|(source, up)| rows.row(&[source], *up))?;
    let mut rows = out.own(&own::IDENTITY_FAILURES);
    let failures = &snapshot.identities.failures;
    failures.iter().try_for_each(|(source, reason, count)| rows.row(&[source, reason], *count))
}

fn polls(out: &mut Out<'_>, snapshot: &Snapshot) -> fmt::Result {
    out.single(&own::POLL_DURATION, snapshot.duration.as_secs_f64())?;
    let mut rows = out.own(&own::POLL_KEYS);
    snapshot.maps.iter().try_for_each(|MapRead { map, keys, .. }| rows.row(&[map], *keys))?;
    let mut rows = out.own(&own::POLL_SYSCALLS);
    snapshot.maps.iter().try_for_each(|MapRead { map, syscalls, .. }| rows.row(&[map], *syscalls))
}
