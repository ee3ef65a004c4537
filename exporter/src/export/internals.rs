//! The metrics about the exporter itself: probes, programs, maps, reads.

use std::{collections::BTreeMap, fmt, time::Duration};

use doubleslit_common::kind::Kind;

use super::{Settings, own, rows::Out};
use crate::counts::snapshot::{Folded, MapRead, Snapshot};

/// What the scrape shows of the BPF side and of the identities, beside the counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Internals {
    /// Every probe, whether it is on or not.
    pub probes: Vec<ProbeState>,
    /// The programs that are loaded.
    pub programs: Vec<ProgramState>,
    /// Updates that failed in the kernel, by map and reason; zeros included.
    pub losses: Vec<MapLoss>,
    /// Whether the kernel measures programs because this process asked for it.
    pub stats_enabled: bool,
    /// Cgroups that are known.
    pub identity_entries: u64,
    /// Cgroups of containers of which the id is known but not the name.
    pub identity_unresolved: u64,
}

/// How a probe fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Every program is attached.
    Up,
    /// Switched off by the configuration.
    Off,
    /// This kernel lacks something that it needs.
    Unsupported,
    /// The kernel refused it.
    Failed,
}

impl State {
    /// The value of the `state` label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Off => "off",
            Self::Unsupported => "unsupported",
            Self::Failed => "failed",
        }
    }
}

/// A probe and how it fares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeState {
    /// Its name.
    pub name: &'static str,
    /// How it fares.
    pub state: State,
    /// Why it is not up; empty when it is.
    pub reason: String,
    /// How its programs are attached (`tp_btf`); empty when they are not.
    pub attach: &'static str,
}

/// A BPF program and what the kernel knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramState {
    /// Its name.
    pub name: &'static str,
    /// The kernel's id.
    pub id: u32,
    /// Its type (`tracing`).
    pub kind: &'static str,
    /// What it is attached to.
    pub attach: String,
    /// Runs that the kernel skipped.
    pub misses: u64,
    /// Runs, while measured.
    pub runs: u64,
    /// Time in it, while measured.
    pub run_time: Duration,
}

/// Updates of a map that failed for one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapLoss {
    /// The map's name, in lower case.
    pub map: &'static str,
    /// Why.
    pub reason: &'static str,
    /// How many; never falls.
    pub count: u64,
}

pub(super) fn totals(out: &mut Out<'_>, settings: &Settings, snapshot: &Snapshot) -> fmt::Result {
    let kinds: Vec<Kind> =
        Kind::ALL.into_iter().filter(|kind| settings.families.iter().any(|family| family.kind == *kind)).collect();
    let mut rows = out.own(&own::EVENTS_COUNTED);
    kinds.iter().try_for_each(|kind| rows.row(&[kind.name()], snapshot.counted.get(*kind)))?;
    let mut rows = out.own(&own::EVENTS_RETIRED);
    kinds.iter().try_for_each(|kind| rows.row(&[kind.name()], snapshot.retired.get(*kind)))?;
    let folded = snapshot.folded.iter().map(|Folded { metric, reason, count }| ([*metric, *reason], *count));
    let mut rows = out.own(&own::COUNTS_FOLDED);
    summed(folded).into_iter().try_for_each(|(values, count)| rows.row(&values, count))
}

pub(super) fn write(out: &mut Out<'_>, internals: &Internals, snapshot: &Snapshot) -> fmt::Result {
    let Internals { probes, programs, losses, stats_enabled, identity_entries, identity_unresolved } = internals;
    let mut rows = out.own(&own::PROBE_UP);
    probes.iter().try_for_each(|probe| rows.row(&[probe.name], probe.state == State::Up))?;
    let mut rows = out.own(&own::PROBE_INFO);
    for ProbeState { name, state, reason, attach } in probes {
        rows.row(&[name, attach, state.name(), reason], true)?;
    }
    self::programs(out, programs, *stats_enabled)?;
    maps(out, snapshot)?;
    let losses = losses.iter().map(|MapLoss { map, reason, count }| ([*map, *reason], *count));
    let mut rows = out.own(&own::MAP_UPDATE_ERRORS);
    summed(losses).into_iter().try_for_each(|(values, count)| rows.row(&values, count))?;
    polls(out, snapshot)?;
    out.single(&own::IDENTITY_ENTRIES, *identity_entries)?;
    out.single(&own::IDENTITY_UNRESOLVED, *identity_unresolved)
}

fn programs(out: &mut Out<'_>, programs: &[ProgramState], stats_enabled: bool) -> fmt::Result {
    let mut rows = out.own(&own::PROGRAM_INFO);
    for ProgramState { name, id, kind, attach, misses: _, runs: _, run_time: _ } in programs {
        rows.row(&[name, &id.to_string(), kind, attach], true)?;
    }
    let mut rows = out.own(&own::PROGRAM_MISSES);
    let misses = summed(programs.iter().map(|program| ([program.name], program.misses)));
    misses.into_iter().try_for_each(|(values, count)| rows.row(&values, count))?;
    if stats_enabled {
        let mut rows = out.own(&own::PROGRAM_RUNS);
        let runs = summed(programs.iter().map(|program| ([program.name], program.runs)));
        runs.into_iter().try_for_each(|(values, count)| rows.row(&values, count))?;
        let mut times = BTreeMap::<&str, Duration>::new();
        for program in programs {
            *times.entry(program.name).or_default() += program.run_time;
        }
        let mut rows = out.own(&own::PROGRAM_RUN_TIME);
        times.into_iter().try_for_each(|(name, time)| rows.row(&[name], time.as_secs_f64()))?;
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

fn polls(out: &mut Out<'_>, snapshot: &Snapshot) -> fmt::Result {
    out.single(&own::POLL_DURATION, snapshot.duration.as_secs_f64())?;
    let mut rows = out.own(&own::POLL_KEYS);
    snapshot.maps.iter().try_for_each(|MapRead { map, keys, .. }| rows.row(&[map], *keys))?;
    let mut rows = out.own(&own::POLL_SYSCALLS);
    snapshot.maps.iter().try_for_each(|MapRead { map, syscalls, .. }| rows.row(&[map], *syscalls))
}

/// Every set of label values once.
fn summed<const N: usize>(
    rows: impl IntoIterator<Item = ([&'static str; N], u64)>,
) -> BTreeMap<[&'static str; N], u64> {
    let mut sums = BTreeMap::new();
    for (values, count) in rows {
        *sums.entry(values).or_default() += count;
    }
    sums
}
