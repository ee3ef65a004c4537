//! Wiring: the only folder that knows every part.

mod account;
mod api;
mod events;
mod means;
mod observe;
mod observer;
mod otlp;
mod reload;
mod serve;
mod top;
mod traces;
mod unread;
mod watch;

use std::{io, path::Path, time::Duration};

use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{SignalKind, signal},
};

use self::serve::Opened;
pub use self::{
    observer::{EventStream, Observer, ObserverError},
    reload::Rereading,
    top::{Measured, measure, top},
    traces::Tracer,
    unread::unread,
    watch::{Unseen, watch},
};
pub use crate::bpf::pin::{PinError, Removed};
use crate::{
    api::TokenError,
    bpf::{
        object::{LoadError, Object},
        pin,
        status::ProbeState,
    },
    config::Config,
    export::otlp::{StartError, TlsError},
    machine::MachineError,
    tracepoints::select::SelectError,
    traces::CreateError,
    web::{self, OpenError, SystemdError, Web},
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
    Web(#[from] web::Error),
    /// Its configuration cannot be used.
    #[error(transparent)]
    WebFile(#[from] OpenError),
    /// systemd does not listen.
    #[error(transparent)]
    Systemd(#[from] SystemdError),
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

/// Removes what exporters have pinned in a directory.
///
/// # Errors
///
/// When an exporter that runs uses it, or something cannot be removed.
pub fn unpin(root: &Path) -> Result<Removed, PinError> {
    pin::unpin(root)
}

/// Looks at what the configuration names, as far as that can be judged without running.
///
/// # Errors
///
/// When it cannot be used.
pub fn check(config: &Config) -> Result<(), AppError> {
    Web::open(config.web.config_file.clone(), config.web.limits)?;
    Ok(())
}

/// Runs until SIGTERM or SIGINT, and reads the configuration again when it is told to. To be called while there is one thread.
///
/// # Errors
///
/// When something that is needed cannot be had.
pub fn run(config: Config, again: Rereading) -> Result<(), AppError> {
    let mut opened = Opened::open(config)?;
    // Threads inherit it.
    opened.restrict(again.origin.file.as_deref());
    runtime()?.block_on(opened.serve(again))
}

fn runtime() -> Result<Runtime, AppError> {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(AppError::Runtime)
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
