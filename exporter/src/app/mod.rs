//! Wiring: the only folder that knows every part.

mod account;
mod api;
mod events;
mod observe;
mod observer;
mod otlp;
mod top;
mod traces;
mod unread;
mod watch;

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use doubleslit_common::kind::Kind;
use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{SignalKind, signal},
};
use tracing::{info, warn};

use self::{account::Books, observe::Observation};
pub use self::{
    observer::{EventStream, Observer, ObserverError},
    top::{Measured, measure, top},
    traces::Tracer,
    unread::unread,
    watch::{Unseen, watch},
};
use crate::{
    api::TokenError,
    bpf::{
        object::{LoadError, Object},
        status::ProbeState,
    },
    config::Config,
    export::{
        self, Internals,
        otlp::{SharedRequests, StartError, TlsError},
    },
    http::{self, Servers},
    machine::MachineError,
    probes::{PROBES, lost},
    tracepoints::select::SelectError,
    traces::CreateError,
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
    /// The tracepoints that the configuration names cannot be had.
    #[error("cannot count hits of tracepoints")]
    Tracepoints(#[from] SelectError),
    /// The tracepoints whose hits are wanted as single events cannot be had.
    #[error("cannot watch tracepoints")]
    Traced(#[source] SelectError),
    /// The BPF side could not be loaded.
    #[error("cannot load the BPF programs")]
    Load(#[from] LoadError),
    /// There is nothing to watch.
    #[error(
        "cannot watch events, because none of those that are asked for can be had here: {0}; `doubleslit run` counts without"
    )]
    NoEvents(String),
    /// System calls cannot be counted.
    #[error("cannot count system calls here: {0}")]
    NoCalls(String),
    /// The maps could not be read.
    #[error("cannot read the counts; the log says why")]
    Unread,
    /// The table cannot be shown.
    #[error("cannot show the table on this terminal; `--once` prints it")]
    Terminal(#[source] io::Error),
    /// The thread that reads the maps could not be started.
    #[error("cannot start the collector")]
    Collector(#[source] io::Error),
    /// The threads that find names of users could not be started.
    #[error("cannot start to look for names of users")]
    Users(#[source] io::Error),
    /// The thread that has traces begin and end could not be started.
    #[error("cannot start the thread of traces")]
    Traces(#[source] io::Error),
    /// The web side failed.
    #[error(transparent)]
    Http(#[from] http::Error),
    /// A trace of the configuration cannot be had.
    #[error(transparent)]
    Trace(#[from] CreateError),
    /// Nobody could be asked for the token of the API.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// Events cannot be sent.
    #[error("cannot export events by OTLP")]
    Logs(#[from] StartError),
    /// Metrics cannot be sent.
    #[error("cannot export metrics by OTLP")]
    Metrics(#[from] TlsError),
    /// Events could not be written.
    #[error("cannot write events")]
    Write(#[source] io::Error),
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
    runtime()?.block_on(serve(config))
}

fn runtime() -> Result<Runtime, AppError> {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(AppError::Runtime)
}

async fn serve(config: Config) -> Result<(), AppError> {
    let begun = Instant::now();
    // Before anything is loaded, so that a port in use is told at once and stops are heard from now on.
    let stop = stop_signal().map_err(AppError::Signals)?;
    let listeners = http::bind(&config.web.listen_addresses, "--web.listen-address").await?;
    let doors = api::Doors::open(&config.api).await?;
    let probes = PROBES.iter().map(|probe| probe.name).filter(|name| config.probes.is_on(name)).collect();
    let tracepoints = observe::tracepoints(&config)?;
    let observation = observe::start(&config, probes, tracepoints, otlp::events(&config)?)?;
    if let Some(reason) = observation.object.without_events() {
        warn!(
            reason,
            "no single event can be had here, only counts; `otlp.logs.enabled: false` asks for none, a newer kernel may have them"
        );
    }
    for (name, spec) in &config.traces {
        observation.traces.create(name, spec.clone())?;
    }
    let hits = observation.hits.clone();
    let settings = export::Settings { hits, ..export::Settings::new(&config, families(&config, &observation.object)) };
    let settings = Arc::new(settings);
    let export = otlp::Export::start(&config, &observation)?;
    let source = Arc::new(Served {
        observation,
        stats: config.bpf.stats,
        logs: export.totals(),
        pushes: config.otlp.metrics.is_some().then(SharedRequests::default),
    });
    let export = export.with_metrics(&config, &settings, &source)?;
    let mut servers = Servers::default();
    doors.serve(&mut servers, &source.observation.traces);
    servers.add_tcp(listeners, &http::router(&config.web.telemetry_path, settings, source));
    for address in &config.web.listen_addresses {
        info!(%address, path = config.web.telemetry_path, started_in = ?begun.elapsed(), "serving");
    }
    // The metrics are served until the last events are sent, and say what became of them.
    let finished = async {
        stop.await;
        export.finish(config.otlp.shutdown).await;
    };
    servers.until(finished).await?;
    info!("stopped");
    Ok(())
}

/// What a scrape draws from.
struct Served {
    observation: Observation,
    stats: bool,
    logs: Option<otlp::ReadTotals>,
    pushes: Option<SharedRequests>,
}

impl http::Source for Served {
    fn fresh(&self) -> http::Fresh<'_> {
        Box::pin(self.observation.collector.fresh())
    }

    fn internals(&self) -> Arc<Internals> {
        let programs = self.observation.object.programs.iter().filter_map(|program| program.status().ok()).collect();
        Arc::new(Internals {
            probes: self.observation.object.probes.clone(),
            sent: self.observation.object.events.clone(),
            programs,
            stats_enabled: self.stats,
            poll_failures: self.observation.collector.failures(),
            events: self.observation.books.as_ref().map(Books::account),
            logs: self.logs.as_ref().map(|totals| totals()),
            pushes: self.pushes.as_ref().map(SharedRequests::get),
        })
    }

    fn is_ready(&self) -> bool {
        self.observation.collector.latest().is_some()
    }
}

/// The families of what the programs count that are attached, and that of lost events where there are any events.
fn families(config: &Config, object: &Object) -> impl Iterator<Item = &'static crate::probes::Family> {
    let lost = (!object.events.is_empty()).then_some(&lost::FAMILY);
    let has_histograms = config.syscalls.calls.have_histograms();
    let counts = move |kind: Kind| {
        let is_counted = object.programs.iter().any(|attached| attached.program.kinds.contains(&kind));
        is_counted && (has_histograms || !kind.is_histogram())
    };
    PROBES.iter().flat_map(|probe| probe.families).filter(move |family| counts(family.kind)).chain(lost)
}

fn is_up(object: &Object, probe: &str) -> bool {
    object.probes.iter().any(|status| status.name == probe && status.state == ProbeState::Up)
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
