//! The exporter's programs, loaded into this process with the default capacities.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Context as _, Result};
use doubleslit::{
    bpf::{
        events::EventSettings,
        object::{self, KERNEL_BTF, Loaded, Settings},
    },
    counts::source::{CountSource as _, Reading},
    filter::{List, Owners, WrittenRule, kernel::KernelFilter},
    identity::{
        CgroupId, Identity, Scope,
        registry::{Known, Watcher as _},
    },
    probes::{PROBES, Probe, syscall::Calls},
};
use doubleslit_common::{event::Gate, kind::Kind};

/// Capacity of the map of counts.
pub(super) const COUNTS: u32 = 65_536;
const EDGES: u32 = 16_384;

/// Loads and attaches these probes.
pub(super) fn load(probes: Vec<&'static str>) -> Result<Loaded> {
    load_with(probes, None)
}

/// Loads and attaches the programs that send single events of these kinds, those that pass a filter, and nothing that counts.
pub(super) fn load_events(kinds: &[Kind], filter: KernelFilter, ring_bytes: u32) -> Result<Loaded> {
    let gate = Gate { listeners: 1, ..Gate::default() };
    let gates = kinds.iter().map(|kind| (*kind, gate)).collect();
    load_with(Vec::new(), Some(EventSettings { gates, filter, ..of_no_events(ring_bytes) }))
}

/// A ring, and nothing that is sent.
pub(super) fn of_no_events(ring_bytes: u32) -> EventSettings {
    EventSettings {
        gates: BTreeMap::new(),
        filter: KernelFilter::default(),
        ring_bytes,
        arguments: 0,
        working_directory: false,
        tracepoints: Arc::default(),
        calls: Calls::default(),
    }
}

/// Loads and attaches the probe of system calls.
pub(super) fn load_calls(calls: Calls, call_times: bool) -> Result<Loaded> {
    Ok(object::load(&Settings { calls, call_times, ..settings(vec!["syscall"], None) })?)
}

/// The same, with the calls of a cgroup left out.
pub(super) fn load_calls_but_of(cgroup: CgroupId) -> Result<Loaded> {
    let rule = WrittenRule::parse("container=nobody", "the benchmark")?;
    let calls_of = Owners::new(List { name: "select", rules: vec![rule] }, List { name: "drop", rules: Vec::new() })?;
    let loaded = object::load(&Settings { calls_of, ..settings(vec!["syscall"], None) })?;
    let left_out = loaded.left_out.as_ref().context("nobody is left out")?;
    let identity =
        Arc::new(Identity { scope: Scope::Container, container: "somebody".to_owned(), ..Identity::default() });
    let known = Known { path: "/somebody".into(), identity, is_settled: true, is_removed: false, users: None };
    left_out.changed(cgroup, Some(&known));
    Ok(loaded)
}

fn load_with(probes: Vec<&'static str>, events: Option<EventSettings>) -> Result<Loaded> {
    Ok(object::load(&settings(probes, events))?)
}

fn settings(probes: Vec<&'static str>, events: Option<EventSettings>) -> Settings {
    Settings {
        probes,
        calls: Calls::all(),
        call_times: false,
        calls_of: Owners::default(),
        counts: COUNTS,
        edges: EDGES,
        tracepoints: None,
        events,
        stats: false,
        pin: None,
        btf: KERNEL_BTF.into(),
    }
}

/// Reads the maps once, as a running exporter has long done: keys that count a lot have their slots from then on.
pub(super) fn settle(loaded: &mut Loaded) -> Result<()> {
    Ok(loaded.counts.read(&mut Reading::default())?)
}

/// The probes that are on by default.
pub(super) fn default_probes() -> impl Iterator<Item = &'static Probe> {
    PROBES.into_iter().filter(|probe| probe.name != "syscall")
}

/// Loads and attaches these.
pub(super) fn load_all() -> Result<Loaded> {
    load(default_probes().map(|probe| probe.name).collect())
}
