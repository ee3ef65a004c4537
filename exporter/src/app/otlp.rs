//! What is sent to an OpenTelemetry collector.

use std::{sync::Arc, time::SystemTime};

use super::{AppError, events, observe::Observation, serve::Served};
use crate::{
    bpf::events::EventSettings,
    config::Config,
    export::{
        self, Inputs,
        otlp::{Describer, LogExport, MetricExport, Recorder, ShownLabels, Totals, encode},
    },
    http::Source as _,
};

/// Tells what became of events.
pub(super) type ReadTotals = Box<dyn Fn() -> Totals + Send + Sync>;

/// The events that are sent: those that the configuration asks for. Nothing when none is.
pub(super) fn events(config: &Config) -> Result<Option<EventSettings>, AppError> {
    config.otlp.logs.is_some().then(|| events::settings(config)).transpose()
}

/// Makes the directory in which events wait, while that is still allowed.
pub(super) fn prepare(config: &Config) -> Result<(), AppError> {
    let directory = config.otlp.logs.as_ref().and_then(|logs| logs.queue.directory.as_deref());
    directory.map_or(Ok(()), |directory| export::otlp::prepare(directory).map_err(AppError::Logs))
}

/// What sends.
#[derive(Debug)]
pub(super) struct Export {
    describer: Describer,
    shown: Option<ShownLabels>,
    logs: Option<LogExport>,
    metrics: Option<MetricExport>,
}

impl Export {
    /// Sends events, if the configuration says so.
    pub(super) fn start(config: &Config, observation: &Observation) -> Result<Self, AppError> {
        let describer = Describer::new(&config.identity.host_root, &config.otlp.resource);
        let mut shown = None;
        let logs = config.otlp.logs.as_ref().map(|settings| {
            let recorder = Recorder::new(config, describer.clone());
            shown = Some(recorder.shown());
            LogExport::start(settings, recorder, observation.hub.subscribe("otlp"))
        });
        Ok(Self { describer, logs: logs.transpose()?, shown, metrics: None })
    }

    /// The labels that log records show, if there are some.
    pub(super) fn shown(&self) -> Option<ShownLabels> {
        self.shown.clone()
    }

    /// Tells what became of events, if they are sent.
    pub(super) fn totals(&self) -> Option<ReadTotals> {
        self.logs.as_ref().map(|logs| -> ReadTotals { Box::new(logs.totals()) })
    }

    /// Sends metrics as well, if the configuration says so.
    pub(super) fn with_metrics(
        mut self,
        config: &Config,
        settings: &Arc<export::Settings>,
        source: &Arc<Served>,
    ) -> Result<Self, AppError> {
        if let (Some(metrics), Some(counted)) = (&config.otlp.metrics, &source.pushes) {
            let begun = SystemTime::now();
            let (describer, settings, source) = (self.describer.clone(), Arc::clone(settings), Arc::clone(source));
            let take = move || {
                let (describer, settings, source) = (describer.clone(), Arc::clone(&settings), Arc::clone(&source));
                async move { requests(&describer, settings, &source, begun).await.unwrap_or_default() }
            };
            self.metrics = Some(MetricExport::start(metrics, counted.clone(), take)?);
        }
        Ok(self)
    }

    /// Sends the last of everything, each kind within a time.
    pub(super) async fn finish(self, within: std::time::Duration) {
        let Self { describer: _, shown: _, logs, metrics } = self;
        if let Some(logs) = logs {
            logs.finish(within).await;
        }
        if let Some(metrics) = metrics {
            metrics.finish(within).await;
        }
    }
}

/// What a scrape would show now, as requests; nothing before the maps were read.
async fn requests(
    describer: &Describer,
    settings: Arc<export::Settings>,
    source: &Arc<Served>,
    begun: SystemTime,
) -> Option<Vec<bytes::Bytes>> {
    let start = std::time::Instant::now();
    let snapshot = source.fresh().await?;
    let (describer, source) = (describer.clone(), Arc::clone(source));
    let encoding = tokio::task::spawn_blocking(move || {
        let inputs = Inputs::read(settings, snapshot, source.internals(), start);
        encode(&inputs, &describer, begun, SystemTime::now())
    });
    encoding.await.ok()
}
