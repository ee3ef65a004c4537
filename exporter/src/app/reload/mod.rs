//! Reading the configuration again while everything goes on.

mod error;
mod outcome;

use std::{sync::Arc, time::Duration};

use sd_notify::NotifyState;
use tokio::{
    signal::unix::Signal,
    sync::{mpsc::Receiver, oneshot},
    task::{JoinHandle, block_in_place, spawn_blocking},
    time::timeout,
};
use tracing::{info, warn};

use self::error::ReloadError;
pub(super) use self::outcome::Outcome;
use super::{events, serve::Served};
use crate::{
    api::Reply,
    bpf::gates::{Admitted, Gates},
    config::{Applies, Change, Config, Log, Origin, Values},
    counts::{collector::Revision, limits::Limits, tally::Terms},
    error::chain,
    export::otlp::ShownLabels,
    traces::Spec,
};

/// How long the end waits for a reload that is under way.
const PATIENCE: Duration = Duration::from_secs(2);

/// What it takes to read the configuration again.
pub struct Rereading {
    /// Where it came from.
    pub origin: Origin,
    /// What was written there when it was read.
    pub values: Values,
    /// Has the log go on in another way.
    pub log: Box<dyn Fn(Log) + Send + Sync>,
}

impl std::fmt::Debug for Rereading {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Rereading").field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// What goes by the configuration.
pub(super) struct Parts {
    pub(super) again: Rereading,
    /// The configuration that applies.
    pub(super) config: Config,
    pub(super) source: Arc<Served>,
    /// What is let into the ring, if somebody listens.
    pub(super) gates: Option<Gates>,
    /// The labels that log records show, if there are some.
    pub(super) shown: Option<ShownLabels>,
}

/// Reads the configuration again, one time after the other.
pub(super) struct Reloader {
    parts: Parts,
    outcome: Arc<Outcome>,
}

/// The task that waits for somebody who wants that.
#[derive(Debug)]
pub(super) struct Reloading {
    task: JoinHandle<()>,
    stop: oneshot::Sender<()>,
}

impl Reloading {
    /// Waits for signals and for those who ask.
    pub(super) fn start(reloader: Reloader, hangup: Signal, asked: Receiver<Reply>) -> Self {
        let (stop, stopped) = oneshot::channel();
        Self { task: tokio::spawn(reloader.run(hangup, asked, stopped)), stop }
    }

    /// From now on nothing is read any more. Waits for what is under way.
    pub(super) async fn finish(self) {
        let Self { mut task, stop } = self;
        drop(stop);
        if timeout(PATIENCE, &mut task).await.is_err() {
            task.abort();
        }
    }
}

impl Reloader {
    pub(super) fn new(parts: Parts, outcome: Arc<Outcome>) -> Self {
        Self { parts, outcome }
    }

    async fn run(mut self, mut hangup: Signal, mut asked: Receiver<Reply>, mut stop: oneshot::Receiver<()>) {
        loop {
            let reply = tokio::select! {
                biased;
                _ = &mut stop => return,
                Some(()) = hangup.recv() => None,
                Some(reply) = asked.recv() => Some(reply),
            };
            tell_the_service_manager(true);
            let result = self.reload().await;
            self.outcome.set(result.is_ok());
            let result = match result {
                Ok(changes) => {
                    let changed: Vec<_> = changes.iter().map(ToString::to_string).collect();
                    info!(changed = changed.join(", "), "read the configuration again");
                    Ok(changed)
                }
                Err(error) => {
                    let error = chain(&error);
                    warn!(error, "cannot take over the configuration; the one before goes on to apply");
                    Err(error)
                }
            };
            tell_the_service_manager(false);
            if let Some(reply) = reply {
                // Whoever asked may have gone.
                let _ = reply.send(result);
            }
        }
    }

    /// Takes over all that has changed, or nothing. Returns what has.
    async fn reload(&mut self) -> Result<Vec<Change>, ReloadError> {
        let origin = self.parts.again.origin.clone();
        let read = spawn_blocking(move || origin.read()).await.map_err(|_| ReloadError::Panic)?;
        let (config, values) = read?;
        let changes = self.parts.again.values.changes(&values);
        let refused: Vec<_> = changes.iter().filter(|change| change.applies == Applies::Restart).cloned().collect();
        if !refused.is_empty() {
            return Err(ReloadError::Restart(refused));
        }
        if config != self.parts.config {
            self.parts.apply(config).await?;
        }
        self.parts.again.values = values;
        Ok(changes)
    }
}

impl Parts {
    /// Has everything go by another configuration, of which only that is different which can be while everything goes on. Whatever
    /// can fail comes first.
    async fn apply(&mut self, config: Config) -> Result<(), ReloadError> {
        let before = self.widen(&config)?;
        let observation = &self.source.observation;
        let exchanged = observation
            .traces
            .exchange(&without(&self.config.traces, &config.traces), &without(&config.traces, &self.config.traces));
        if let Err(error) = exchanged {
            self.restore(before).await;
            return Err(error.into());
        }
        observation.wanted.store(Arc::new(events::Wanted::of(&config)));
        observation.traces.ignore(config.ignore.clone());
        if let Some(shown) = &self.shown {
            shown.set(&config);
        }
        observation.collector.revise(revision(&config)).await;
        if before.is_some() {
            self.narrow();
        }
        (self.again.log)(config.log);
        self.config = config;
        Ok(())
    }

    /// Lets in what a configuration wants of single events, and more. Returns what was let in before, if that is something else.
    fn widen(&mut self, config: &Config) -> Result<Option<Admitted>, ReloadError> {
        let Some(gates) = self.gates.as_mut().filter(|_| config.events != self.config.events) else {
            return Ok(None);
        };
        let (before, next) = (events::admitted(&self.config.events), events::admitted(&config.events));
        // What was wanted and could not be had is not wanted anew.
        let is_new = |kind: &_| !before.gates.contains_key(kind) && !gates.kinds().any(|begun| begun == *kind);
        let new: Vec<_> = next.gates.keys().copied().filter(is_new).collect();
        if !new.is_empty() {
            return Err(ReloadError::Kinds(new));
        }
        Ok(Some(block_in_place(|| gates.widen(next))?))
    }

    /// Lets in what was let in before, if something else is now.
    async fn restore(&mut self, before: Option<Admitted>) {
        let (Some(before), Some(gates)) = (before, &mut self.gates) else { return };
        if let Err(error) = block_in_place(|| gates.widen(before)) {
            warn!(error = chain(&error), "cannot have the kernel keep events out as before");
        }
        // Verdicts on owners are renewed by it.
        self.source.observation.collector.revise(revision(&self.config)).await;
        self.narrow();
    }

    /// Lets in only what is wanted.
    fn narrow(&mut self) {
        if let Some(gates) = &mut self.gates
            && let Err(error) = block_in_place(|| gates.narrow())
        {
            warn!(error = chain(&error), "the kernel sends more events than are wanted, which are kept back here");
        }
    }
}

/// What the tally goes by.
pub(super) fn terms(config: &Config) -> Terms {
    Terms {
        labels: config.identity.labels.clone(),
        grace: config.retention.grace,
        limits: Limits {
            per_family: config.limits.series_per_family,
            per_container: config.limits.series_per_container,
        },
        ignore: config.ignore.clone(),
    }
}

fn revision(config: &Config) -> Revision {
    Revision { terms: terms(config), interval: config.poll.interval, max_age: config.poll.max_age }
}

/// The traces that are not among others as they are.
fn without(traces: &[(String, Spec)], others: &[(String, Spec)]) -> Vec<(String, Spec)> {
    traces.iter().filter(|trace| !others.contains(trace)).cloned().collect()
}

/// Says that the configuration is being read, or that this is over, where systemd wants to know.
fn tell_the_service_manager(is_reading: bool) {
    let time = NotifyState::monotonic_usec_now().ok().filter(|_| is_reading);
    let state = if is_reading { NotifyState::Reloading } else { NotifyState::Ready };
    // Who cannot be told shows an older state, and that is all.
    let _ = sd_notify::notify(&[state].into_iter().chain(time).collect::<Vec<_>>());
}
