//! Pushing the metrics: what a scrape would show, every now and then.

use std::time::{Duration, SystemTime};

use prost::bytes::Bytes;
use tokio::{
    sync::oneshot,
    task::JoinHandle,
    time::{self, Instant, MissedTickBehavior},
};
use tracing::warn;

use super::{
    client::{Client, Signal, TlsError},
    delivery::Delivery,
    points::Points,
    resource::Describer,
    totals::SharedRequests,
};
use crate::{
    config::otlp,
    export::{Inputs, rows::Out, write},
};

/// The task that sends metrics.
#[derive(Debug)]
pub struct MetricExport {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl MetricExport {
    /// Sends what `take` returns every interval: the requests of [`encode`]. Counts them.
    ///
    /// # Errors
    ///
    /// When the certificates cannot be used.
    pub fn start<F>(
        settings: &otlp::Metrics,
        counted: SharedRequests,
        take: impl Fn() -> F + Send + 'static,
    ) -> Result<Self, TlsError>
    where
        F: Future<Output = Vec<Bytes>> + Send + 'static,
    {
        let otlp::Metrics { connection, interval } = settings;
        // Later than that, newer ones are there.
        let delivery = Delivery::new(Client::new(connection, Signal::Metrics)?, "metrics", Some(*interval));
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(push(delivery, *interval, counted, take, stopped));
        Ok(Self { stop, task })
    }

    /// Sends the metrics once more, within a time.
    pub async fn finish(self, within: Duration) {
        let Self { stop, mut task } = self;
        drop(stop);
        if time::timeout(within, &mut task).await.is_err() {
            task.abort();
            warn!("the last metrics were not sent");
        }
    }
}

async fn push<F: Future<Output = Vec<Bytes>> + Send>(
    mut delivery: Delivery,
    interval: Duration,
    counted: SharedRequests,
    take: impl Fn() -> F,
    mut stop: oneshot::Receiver<()>,
) {
    let mut ticks = time::interval_at(Instant::now() + interval, interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let is_last = tokio::select! {
            _ = ticks.tick() => false,
            _ = &mut stop => true,
        };
        for request in take().await {
            delivery.deliver(&request, |succeeded, took| counted.add(succeeded, took)).await;
        }
        if is_last {
            return;
        }
    }
}

/// Everything that one scrape would show, as requests. What the exporter itself counts, it counts since `begun`.
#[must_use]
pub fn encode(inputs: &Inputs, describer: &Describer, begun: SystemTime, now: SystemTime) -> Vec<Bytes> {
    let mut points = Points::new(describer.encoded(), begun, now);
    let written = write(inputs, &mut Out::points(&mut points));
    debug_assert!(written.is_ok(), "only writing text can fail");
    points.finish()
}
