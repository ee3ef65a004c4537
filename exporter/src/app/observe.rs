//! Starting to observe the machine: what counts, what names, and what hands out single events.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock},
    time::SystemTime,
};

use arc_swap::ArcSwap;
use doubleslit_common::kind::Kind;
use tokio::{runtime::Handle, sync::oneshot, task::JoinHandle};
use tracing::{info, warn};

use super::{
    AppError, WALK_INTERVAL,
    account::Books,
    events::Wanted,
    is_up,
    means::{Means, Tracing},
    reload, traces,
};
use crate::{
    bpf::{
        events::{EventRing, EventSettings},
        gates::Gates,
        object::{self, Loaded, Object},
        status::{EventStatus, ProbeState},
        tracepoints,
        traces::Traced,
    },
    config::Config,
    counts::{
        collector::{Collector, Parts},
        tally::{self, Tally, Terms},
    },
    events::{
        hub::Hub,
        outlet::Outlet,
        reader::{self, Reader},
        received::Received,
        syscalls::Signatures,
    },
    identity::directory::Directory,
    lives,
    machine::Machine,
    tracepoints::{
        hits::Hits,
        select::{SelectError, select},
        table::Table,
        tracefs::Tracefs,
    },
    traces::Traces,
};

/// What observes the machine. Dropping it ends everything.
#[derive(Debug)]
pub(super) struct Observation {
    /// The counts. It ends before the programs go, with which goes the lock on what is pinned.
    pub(super) collector: Collector,
    /// The programs.
    pub(super) object: Object,
    /// Since when they count.
    pub(super) begun: SystemTime,
    /// The tracepoints whose hits are counted, if there are some.
    pub(super) hits: Option<Arc<Hits>>,
    /// What became of single events, if somebody listens.
    pub(super) books: Option<Books>,
    /// Where they are handed out.
    pub(super) hub: Arc<Hub>,
    /// Those that begin and end meanwhile.
    pub(super) traces: Traces,
    /// What the kernel is asked for on behalf of these.
    pub(super) traced: Traced,
    /// What is let into the ring, if somebody listens.
    pub(super) gates: Option<Gates>,
    /// What of that is handed out.
    pub(super) wanted: Arc<ArcSwap<Wanted>>,
    reader: Option<Reading>,
}

/// The task that reads the ring.
#[derive(Debug)]
pub(super) struct Reading {
    task: JoinHandle<()>,
    /// Dropping it ends the task.
    stop: oneshot::Sender<()>,
}

impl Observation {
    /// Ends everything in the order in which events come, so that whoever listens gets all of them and then an end.
    pub(super) async fn finish(self) -> Option<Books> {
        let Self {
            object,
            begun: _,
            collector,
            hits: _,
            books,
            hub: _,
            traces: _,
            traced: _,
            gates,
            wanted: _,
            reader,
        } = self;
        drop((object, gates));
        // It waits for a thread.
        let _ = tokio::task::spawn_blocking(move || drop(collector)).await;
        if let Some(Reading { task, stop }) = reader {
            drop(stop);
            // A panic has already been printed.
            let _ = task.await;
        }
        books
    }
}

/// The tracepoints that the configuration names, if it does.
pub(super) fn tracepoints(config: &Config) -> Result<Option<tracepoints::Settings>, SelectError> {
    if config.tracepoints.is_empty() {
        return Ok(None);
    }
    let tracefs = Tracefs::find(&config.identity.host_root)?;
    let hits = Hits::of(select(&tracefs, &config.tracepoints)?);
    Ok(Some(tracepoints::Settings { hits: Arc::new(hits), capacity: config.maps.hits }))
}

/// The programs that the configuration asks for. They count, and nobody reads them yet.
#[derive(Debug)]
pub(super) struct Attached {
    loaded: Loaded,
    hits: Option<Arc<Hits>>,
    events: Option<EventSettings>,
    begun: SystemTime,
}

/// Attaches what the configuration asks for, with these probes and tracepoints counting and these single events, and goes on
/// with what is pinned in a directory, if in one. No thread is made and no runtime is needed.
pub(super) fn attach(
    config: &Config,
    pin: Option<PathBuf>,
    probes: Vec<&'static str>,
    tracepoints: Option<tracepoints::Settings>,
    events: Option<EventSettings>,
) -> Result<Attached, AppError> {
    let begun = SystemTime::now();
    let hits = tracepoints.as_ref().map(|settings| Arc::clone(&settings.hits));
    let loaded = object::load(&object::Settings {
        probes,
        calls: config.syscalls.calls.clone(),
        call_times: config.syscalls.time,
        calls_of: config.syscalls.of.clone(),
        counts: config.maps.counts,
        edges: config.maps.edges,
        tracepoints,
        events: events.clone(),
        stats: config.bpf.stats,
        pin,
        btf: object::KERNEL_BTF.into(),
    })?;
    report(&loaded.object);
    Ok(Attached { loaded, hits, events, begun })
}

impl Attached {
    /// Why none of the single events that are wanted can be had; nothing when some can, or none is wanted.
    pub(super) fn without_events(&self) -> Option<&str> {
        self.loaded.object.without_events()
    }

    /// Starts to read what the programs count and send. To be called where tasks of tokio can be started.
    pub(super) fn observe(self, config: &Config, means: Means) -> Result<Observation, AppError> {
        let Self { loaded, hits, events: settings, begun } = self;
        let Means { looks, tracing } = means;
        let Loaded { object, counts, notices, events, stages, gates, verdicts, left_out } = loaded;
        let Machine { hierarchy, resolver, bell } = Machine::find(&config.identity, &Handle::current())?;
        let mut directory = Directory::new(resolver);
        if let Some(verdicts) = verdicts {
            directory.registry().watch(verdicts);
        }
        if let Some(left_out) = left_out {
            directory.registry().watch(left_out);
        }
        let (traces, traced) = traces::start(config, tracing.clone(), &directory.registry())?;
        let hub = Arc::<Hub>::default();
        let wanted = Arc::new(ArcSwap::from_pointee(Wanted::of(config)));
        let (mut lives, mut books, mut reader) = (None, None, None);
        if let (Some(source), Some(settings)) = (events, settings) {
            directory.name_users(looks.users).map_err(AppError::Users)?;
            let (received, registry) = (Arc::<Received>::default(), directory.registry());
            let (followed, changes) = lives::channel(lifecycles(&settings), begun, looks.lives);
            books = Some(Books {
                kinds: settings.gates.keys().copied().collect(),
                ring_bytes: settings.ring_bytes,
                stages: Mutex::new(stages),
                lives: followed.numbers(),
                received: Arc::clone(&received),
                hub: Arc::clone(&hub),
            });
            lives = Some(followed);
            let redaction = config.events.arguments.redact.clone();
            let wanted = Arc::clone(&wanted);
            let wanted = reader::Wanted(Box::new(move |event| wanted.load().has(event)));
            let signatures = signatures(&tracing, &settings);
            let (hub, tracepoints) = (Arc::clone(&hub), Table::of(&settings.tracepoints));
            reader = Some(read(Reader {
                source,
                changes,
                registry,
                hub,
                received,
                tracepoints,
                signatures,
                redaction,
                wanted,
            }));
        }
        let (begun, settled) = (counts.begun(), counts.settled());
        let Terms { labels, grace, limits, ignore } = reload::terms(config);
        let parts = Parts {
            source: counts,
            notices,
            hierarchy,
            directory,
            tally: Tally::new(tally::Settings {
                labels,
                grace,
                limits,
                ignore,
                calls: config.syscalls.calls.clone(),
                calls_of: config.syscalls.of.clone(),
                begun,
                settled,
            }),
            lives,
            interval: config.poll.interval,
            bell,
            walk_interval: (!is_up(&object, "container")).then_some(WALK_INTERVAL),
        };
        let collector = Collector::start(parts, config.poll.max_age).map_err(AppError::Collector)?;
        Ok(Observation { object, begun, collector, hits, books, hub, traces, traced, gates, wanted, reader })
    }
}

/// Attaches and starts to read, both at once.
pub(super) fn start(
    config: &Config,
    probes: Vec<&'static str>,
    tracepoints: Option<tracepoints::Settings>,
    events: Option<EventSettings>,
) -> Result<Observation, AppError> {
    attach(config, None, probes, tracepoints, events)?.observe(config, Means::own(config))
}

/// What is known of the system calls that are sent.
fn signatures(tracing: &Tracing, settings: &EventSettings) -> Arc<OnceLock<Signatures>> {
    let known = OnceLock::new();
    if settings.gates.contains_key(&Kind::Syscall) {
        known.get_or_init(|| super::events::signatures(tracing, &settings.calls));
    }
    Arc::new(known)
}

/// Starts the task that reads the ring.
pub(super) fn read<O: Outlet + 'static>(reader: Reader<EventRing, O>) -> Reading {
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(async move {
        if let Err(error) = reader.run(stopped).await {
            warn!(%error, "cannot wait for events; no more are read");
        }
    });
    Reading { task, stop }
}

/// Who listens to starts and stops of containers.
fn lifecycles(settings: &EventSettings) -> BTreeMap<Kind, u32> {
    let kinds = [Kind::ContainerStart, Kind::ContainerStop];
    kinds.into_iter().filter_map(|kind| Some((kind, settings.gates.get(&kind)?.listeners))).collect()
}

/// Says what is counted, what is not, and what it costs in memory.
fn report(object: &Object) {
    for status in &object.probes {
        match status.state {
            ProbeState::Up => info!(probe = status.name, "attached"),
            ProbeState::Off => info!(probe = status.name, "switched off"),
            ProbeState::Unsupported | ProbeState::Failed => {
                warn!(probe = status.name, reason = status.reason, "not attached");
            }
        }
    }
    for EventStatus { kind, state, reason } in &object.events {
        if matches!(state, ProbeState::Unsupported | ProbeState::Failed) {
            warn!(event = kind.name(), reason, "no single events");
        }
    }
    for (tracepoint, error) in object.refused() {
        warn!(%tracepoint, %error, "no program can be attached, hits are not seen");
    }
    for (map, bytes) in &object.memory {
        info!(map, bytes, "map memory");
    }
}
