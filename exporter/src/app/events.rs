//! What the kernel is asked to send.

use std::{collections::BTreeMap, sync::Arc};

use doubleslit_common::kind::Kind;
use tracing::warn;

use super::{AppError, means::Tracing};
use crate::{
    bpf::{events::EventSettings, gates::Admitted},
    config::{Config, Events},
    error::chain,
    events::{event::Event, syscalls::Signatures},
    filter::{Filter, kernel::KernelFilter},
    identity::ignore::Ignore,
    probes::syscall::Calls,
    tracepoints::{
        traced::{Traced, traced},
        tracefs::Tracefs,
    },
};

/// The bit of everybody who listens: all get what the configuration asks for.
const LISTENERS: u32 = 1;

/// What the kernel sends for those events that a configuration asks for.
pub(super) fn settings(config: &Config) -> Result<EventSettings, AppError> {
    let Admitted { mut gates, filter } = admitted(&config.events);
    let tracepoints = if gates.contains_key(&Kind::Tracepoint) { tracepoints(config)? } else { Arc::default() };
    // Of tracepoints nothing is sent where none is named.
    if tracepoints.is_empty() {
        gates.remove(&Kind::Tracepoint);
    }
    Ok(EventSettings { gates, filter, tracepoints, ..of_no_kind(&config.events) })
}

/// What of the events that happen is let in.
pub(super) fn admitted(events: &Events) -> Admitted {
    let Events { kinds, filter, sampling, .. } = events;
    let wanted = kinds.iter().filter(|kind| filter.concerns(**kind));
    let gates = wanted.map(|kind| (*kind, sampling.gate(*kind, LISTENERS))).collect();
    Admitted { gates, filter: KernelFilter::of(filter) }
}

/// What is wanted of the events that come.
#[derive(Debug)]
pub(super) struct Wanted {
    kinds: Vec<Kind>,
    filter: Filter,
    ignore: Ignore,
}

impl Wanted {
    pub(super) fn of(config: &Config) -> Self {
        let Events { kinds, filter, .. } = &config.events;
        Self { kinds: kinds.clone(), filter: filter.clone(), ignore: config.ignore.clone() }
    }

    /// Whether an event is.
    pub(super) fn has(&self, event: &Event) -> bool {
        let Self { kinds, filter, ignore } = self;
        kinds.contains(&event.kind()) && !ignore.matches(&event.identity) && filter.passes(event)
    }
}

/// How the kernel would send what a configuration asks for, without any of it.
pub(super) fn of_no_kind(events: &Events) -> EventSettings {
    let Events { ring_bytes, arguments, working_directory, calls, .. } = events;
    EventSettings {
        gates: BTreeMap::new(),
        filter: KernelFilter::default(),
        ring_bytes: *ring_bytes,
        arguments: if arguments.enabled { arguments.bytes } else { 0 },
        working_directory: *working_directory,
        tracepoints: Arc::default(),
        calls: calls.clone(),
    }
}

/// The tracepoints whose hits the configuration wants as single events.
fn tracepoints(config: &Config) -> Result<Arc<[Arc<Traced>]>, AppError> {
    if !config.tracepoints.iter().any(|wanted| wanted.events) {
        return Ok(Arc::default());
    }
    let found = Tracefs::find(&config.identity.host_root).map_err(Into::into);
    let found = found.and_then(|tracefs| traced(&tracefs, &config.tracepoints)).map_err(AppError::Traced)?;
    Ok(found.into_iter().map(Arc::new).collect())
}

/// What the kernel says of system calls. Without it their arguments have no names.
pub(super) fn signatures(tracing: &Tracing, calls: &Calls) -> Signatures {
    let found = tracing.find();
    let read = found.and_then(|tracefs| Signatures::read(&tracefs, calls));
    read.unwrap_or_else(|error| {
        let error = chain(&error);
        warn!(error, "arguments of system calls have no names and types here");
        Signatures::default()
    })
}
