//! Wiring: the only file that knows every part.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use tokio::{
    runtime::Handle,
    signal::unix::{SignalKind, signal},
};
use tracing::{info, warn};

use crate::{
    bpf::{
        object::{self, LoadError, Loaded, Object},
        status::ProbeState,
    },
    config::Config,
    counts::{
        collector::{Collector, Parts},
        limits::Limits,
        tally::{self, Tally},
    },
    export::{self, Internals},
    http,
    identity::directory::Directory,
    machine::{Machine, MachineError},
    probes::PROBES,
};

/// How soon the end of a container is noticed where the kernel does not tell.
const WALK_INTERVAL: Duration = Duration::from_secs(10);

/// Why the exporter cannot run.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The threads could not be made.
    #[error("cannot start the runtime")]
    Runtime(#[source] io::Error),
    /// The machine cannot be looked at.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// The BPF side could not be loaded.
    #[error("cannot load the BPF programs")]
    Load(#[from] LoadError),
    /// The thread that reads the maps could not be started.
    #[error("cannot start the collector")]
    Collector(#[source] io::Error),
    /// The web side failed.
    #[error(transparent)]
    Http(#[from] http::Error),
    /// Signals could not be listened to.
    #[error("cannot listen to signals")]
    Signals(#[source] io::Error),
}

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
///
/// When something that is needed cannot be had.
pub fn run(config: Config) -> Result<(), AppError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.map_err(AppError::Runtime)?.block_on(serve(config))
}

async fn serve(config: Config) -> Result<(), AppError> {
    let begun = Instant::now();
    // Before anything is loaded, so that a port in use is told at once and stops are heard from now on.
    let stop = stop_signal().map_err(AppError::Signals)?;
    let listeners = http::bind(&config.web.listen_addresses).await?;
    let Loaded { object, counts, notices } = object::load(&object::Settings {
        probes: PROBES.iter().map(|probe| probe.name).filter(|name| config.probes.is_on(name)).collect(),
        counts: config.maps.counts,
        edges: config.maps.edges,
        stats: config.bpf.stats,
        btf: object::KERNEL_BTF.into(),
    })?;
    report(&object);

    let Machine { hierarchy, resolver, bell } = Machine::find(&config.identity, &Handle::current())?;
    let parts = Parts {
        source: counts,
        notices,
        hierarchy,
        directory: Directory::new(resolver),
        tally: Tally::new(tally::Settings {
            labels: config.identity.labels.clone(),
            grace: config.retention.grace,
            limits: Limits {
                per_family: config.limits.series_per_family,
                per_container: config.limits.series_per_container,
            },
            ignore: config.ignore.clone(),
            begun: SystemTime::now(),
        }),
        interval: config.poll.interval,
        bell,
        walk_interval: (!is_up(&object, "container")).then_some(WALK_INTERVAL),
    };
    let settings = Arc::new(export::Settings::new(&config, families(&object)));
    let collector = Collector::start(parts, config.poll.max_age).map_err(AppError::Collector)?;
    let source = Arc::new(Served { collector, object, stats: config.bpf.stats });
    let router = http::router(&config.web.telemetry_path, settings, source);
    for address in &config.web.listen_addresses {
        info!(%address, path = config.web.telemetry_path, started_in = ?begun.elapsed(), "serving");
    }
    http::serve(listeners, router, stop).await?;
    info!("stopped");
    Ok(())
}

/// What a scrape draws from.
struct Served {
    collector: Collector,
    object: Object,
    stats: bool,
}

impl http::Source for Served {
    fn fresh(&self) -> http::Fresh<'_> {
        Box::pin(self.collector.fresh())
    }

    fn internals(&self) -> Arc<Internals> {
        let programs = self.object.programs.iter().filter_map(|program| program.status().ok()).collect();
        Arc::new(Internals {
            probes: self.object.probes.clone(),
            programs,
            stats_enabled: self.stats,
            poll_failures: self.collector.failures(),
        })
    }

    fn is_ready(&self) -> bool {
        self.collector.latest().is_some()
    }
}

/// The families of the probes that count.
fn families(object: &Object) -> impl Iterator<Item = &'static crate::probes::Family> {
    PROBES.iter().filter(|probe| is_up(object, probe.name)).flat_map(|probe| probe.families)
}

fn is_up(object: &Object, probe: &str) -> bool {
    object.probes.iter().any(|status| status.name == probe && status.state == ProbeState::Up)
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
    for (map, bytes) in &object.memory {
        info!(map, bytes, "map memory");
    }
}

/// Ends with the first SIGTERM or SIGINT from now on.
fn stop_signal() -> io::Result<impl Future<Output = ()> + Send> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
