//! `doubleslit run`: what is opened before there is any other thread, and what is then served.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    path::Path,
    pin::Pin,
    sync::Arc,
    time::{Instant, UNIX_EPOCH},
};

use doubleslit_common::kind::Kind;
use rustix::system::uname;
use sd_notify::NotifyState;
use tokio::{
    runtime::Builder,
    signal::unix::{Signal, SignalKind, signal},
};
use tracing::{info, warn};

use super::{
    AppError,
    account::Books,
    api::Doors,
    means::{Means, Tracing},
    observe::{self, Attached, Observation},
    otlp,
    reload::{self, Outcome, Reloader, Reloading, Rereading},
    stop_signal,
};
use crate::{
    api::Reloads,
    bpf::object::Object,
    config::{self, Config, LiveEvents},
    export::{self, Internals, otlp::SharedRequests},
    http,
    others::{self, helper::Helper},
    page::{self, Audience},
    privileges::{self, Layer, Needs, Sandbox},
    probes::{PROBES, lost},
    tracepoints::tracefs::Tracefs,
    web::{self, Hosts, Servers, Web},
};

/// What was opened, bound, loaded and attached. There is no other thread than the main one so far.
pub(super) struct Opened {
    config: Config,
    begun: Instant,
    stop: Pin<Box<dyn Future<Output = ()> + Send>>,
    hangup: Signal,
    web: Web,
    listeners: Vec<TcpListener>,
    doors: Doors,
    attached: Attached,
    means: Means,
    sandbox: Sandbox,
    helper: Option<Helper>,
}

impl Opened {
    /// Does once what takes privileges that the exporter does not need to run.
    pub(super) fn open(config: Config) -> Result<Self, AppError> {
        let begun = Instant::now();
        let (mut means, mut sandbox, mut helper) = (Means::own(&config), Sandbox::default(), None);
        // The first of all, because it would have whatever is open by then.
        if config.privileges.any() && config.otlp.logs.is_some() {
            let started = others::helper::start(&config.identity.host_root, privileges::HELPER);
            sandbox.add(Layer::Helper, true, || {
                let (started, looks) = started.map_err(|error| error.to_string())?;
                means.looks = looks;
                helper = Some(started);
                Ok(String::new())
            });
        } else {
            sandbox.add(Layer::Helper, false, || Ok(String::new()));
        }
        // Before anything is loaded, so that a port in use is told at once and stops are heard from now on.
        let (stop, hangup) = signals_from_now().map_err(AppError::Signals)?;
        let stop = Box::pin(stop);
        web::allow_files(&config.web.limits);
        let web = Web::open(config.web.config_file.clone(), config.web.limits)?;
        let listeners = if config.web.systemd_socket {
            web::passed()?
        } else {
            web::bind(&config.web.listen_addresses, "--web.listen-address")?
        };
        let doors = Doors::open(&config.api)?;
        let probes = PROBES.iter().map(|probe| probe.name).filter(|name| config.probes.is_on(name)).collect();
        let tracepoints = observe::tracepoints(&config)?;
        let pin = config.bpf.pin.then(|| config.bpf.pin_path.clone());
        let attached = observe::attach(&config, pin, probes, tracepoints, otlp::events(&config)?)?;
        if let Some(reason) = attached.without_events() {
            warn!(
                reason,
                "no single event can be had here, only counts; `otlp.logs.enabled: false` asks for none, a newer kernel may \
                 have them"
            );
        }
        if config.otlp.logs.is_some() || begins_traces(&config, &web) {
            means.tracing = Tracing::hold(&config);
        }
        otlp::prepare(&config)?;
        Ok(Self { config, begun, stop, hangup, web, listeners, doors, attached, means, sandbox, helper })
    }

    /// Takes from the process what it does not need any more. The configuration was written in this file.
    pub(super) fn restrict(&mut self, config_file: Option<&Path>) {
        let tracefs = self.means.tracing.held().map(Tracefs::root);
        let web_files = self.web.files();
        let traces = begins_traces(&self.config, &self.web);
        let needs = Needs { config: &self.config, config_file, web_files: &web_files, tracefs, traces };
        privileges::restrict(self.config.privileges, &needs, &mut self.sandbox);
    }

    /// Serves until SIGTERM or SIGINT.
    pub(super) async fn serve(self, again: Rereading) -> Result<(), AppError> {
        let Self { config, begun, stop, hangup, web, listeners, doors, attached, means, sandbox, helper } = self;
        let mut observation = attached.observe(&config, means)?;
        for (name, spec) in &config.traces {
            observation.traces.create(name, spec.clone())?;
        }
        let hits = observation.hits.clone();
        let settings =
            export::Settings { hits, ..export::Settings::new(&config, families(&config, &observation.object)) };
        let settings = Arc::new(settings);
        let export = otlp::Export::start(&config, &observation)?;
        let (gates, reloaded) = (observation.gates.take(), Arc::new(Outcome::begun()));
        let source = Arc::new(Served {
            observation,
            reloaded: Arc::clone(&reloaded),
            stats: config.bpf.stats,
            sandbox,
            helper,
            logs: export.totals(),
            web: web.clone(),
            pushes: config.otlp.metrics.is_some().then(SharedRequests::default),
        });
        let export = export.with_metrics(&config, &settings, &source)?;
        let mut servers = Servers::default();
        let limits = config.web.limits;
        let (reloads, asked) = Reloads::new();
        doors.serve(&mut servers, &source.observation.traces, reloads, &web, limits.api_streams)?;
        let page = page::router(page::Parts {
            metrics: config.web.telemetry_path.clone(),
            settings: Arc::clone(&settings),
            streams: shows_events(&config.web, &web)
                .then(|| page::streams(&source.observation.traces, servers.stopping(), limits.page_streams)),
            audience: audience(&config.web),
            source: Arc::clone(&source) as Arc<dyn http::Source>,
        });
        let parts =
            reload::Parts { again, config: config.clone(), source: Arc::clone(&source), gates, shown: export.shown() };
        let reloading = Reloading::start(Reloader::new(parts, reloaded), hangup, asked);
        let addresses: Vec<_> = listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect();
        let router = http::router(&config.web.telemetry_path, settings, source).merge(page);
        servers.add_tcp(listeners, &web.for_visitors(router, hosts(&config.web, &addresses)))?;
        for address in &addresses {
            info!(%address, path = config.web.telemetry_path, started_in = ?begun.elapsed(), "serving");
        }
        web.warn_of_clear_text(&addresses);
        tell_the_service_manager();
        // The metrics are served until the last events are sent, and say what became of them.
        let finished = async {
            stop.await;
            reloading.finish().await;
            export.finish(config.otlp.shutdown).await;
        };
        servers.until(finished).await?;
        info!("stopped");
        Ok(())
    }
}

/// Whether there is anybody to whom the page shows single events.
fn shows_events(config: &config::Web, web: &Web) -> bool {
    config.shows_events() || config.live_events == LiveEvents::Auto && web.knows_somebody()
}

/// Whether traces can begin while the exporter runs: those of the API, those that the configuration declares, and what the page
/// shows.
fn begins_traces(config: &Config, web: &Web) -> bool {
    let api = &config.api;
    api.socket.is_some() || api.tcp.is_some() || !config.traces.is_empty() || shows_events(&config.web, web)
}

/// To whom.
fn audience(config: &config::Web) -> Audience {
    match config.live_events {
        LiveEvents::Auto if config.is_for_this_machine() => Audience::Here,
        LiveEvents::Auto => Audience::Known,
        LiveEvents::Always | LiveEvents::Never => Audience::Everybody,
    }
}

/// The names by which requests may ask. From elsewhere a machine has many, unless the configuration has some.
fn hosts(config: &config::Web, addresses: &[SocketAddr]) -> Hosts {
    let is_closed = addresses.iter().all(|address| address.ip().to_canonical().is_loopback());
    if !is_closed && config.allowed_hosts.is_empty() {
        return Hosts::any();
    }
    let own = uname().nodename().to_string_lossy().into_owned();
    let listened = config.listen_addresses.iter().map(|address| address.host.clone());
    Hosts::only(config.allowed_hosts.iter().cloned().chain(listened).chain([own]))
}

/// What ends with the first SIGTERM or SIGINT from now on, and what has each SIGHUP, in whatever runtime they are awaited.
fn signals_from_now() -> io::Result<(impl Future<Output = ()> + Send, Signal)> {
    // Signals are heard for the whole process from the first time on that a runtime is asked to. This one has no threads.
    let runtime = Builder::new_current_thread().enable_io().build()?;
    let _context = runtime.enter();
    Ok((stop_signal()?, signal(SignalKind::hangup())?))
}

/// Says that everything is there, where systemd waits for that (`Type=notify`).
fn tell_the_service_manager() {
    if let Err(error) = sd_notify::notify(&[NotifyState::Ready]) {
        warn!(%error, "the service manager cannot be told that everything is there; it ends who does not tell it in time");
    }
}

/// What a scrape draws from.
pub(super) struct Served {
    pub(super) observation: Observation,
    reloaded: Arc<Outcome>,
    stats: bool,
    sandbox: Sandbox,
    helper: Option<Helper>,
    logs: Option<otlp::ReadTotals>,
    web: Web,
    /// What became of requests with metrics, if they are sent.
    pub(super) pushes: Option<SharedRequests>,
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
            pinned: self.observation.object.pinned(),
            sandbox: self.sandbox.clone().with_helper(self.helper.as_ref().is_none_or(Helper::is_there)),
            begun: self.observation.begun.duration_since(UNIX_EPOCH).unwrap_or_default(),
            reloaded: self.reloaded.get(),
            poll_failures: self.observation.collector.failures(),
            events: self.observation.books.as_ref().map(Books::account),
            logs: self.logs.as_ref().map(|totals| totals()),
            pushes: self.pushes.as_ref().map(SharedRequests::get),
            web: self.web.totals(),
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
