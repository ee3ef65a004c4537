//! The way of events to the collector.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use tokio::{sync::oneshot, task::JoinHandle, time};
use tracing::{info, warn};

use super::{
    client::{Client, Signal, TlsError},
    delivery::Delivery,
    queue::Queue,
    record::Recorder,
    totals::Totals,
};
use crate::{
    config::otlp,
    events::{hub::Subscription, reader::LATENCY},
};

/// How often files that still wait are synced.
const SYNC: Duration = Duration::from_secs(5);

/// Why events cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// TLS is not possible.
    #[error("cannot speak to the collector")]
    Tls(#[from] TlsError),
    /// The directory of the queue cannot be used.
    #[error("cannot use the directory `{}` of `otlp.logs.directory`; each exporter needs one of its own", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Makes the directory of a queue, if it is not there.
///
/// # Errors
///
/// When that is not possible.
pub fn prepare(directory: &Path) -> Result<(), StartError> {
    let made = std::fs::create_dir_all(directory);
    made.map_err(|source| StartError::Directory { path: directory.to_owned(), source })
}

/// The tasks that send events.
#[derive(Debug)]
pub struct LogExport {
    queue: Arc<Queue>,
    stop: oneshot::Sender<()>,
    intake: JoinHandle<()>,
    sending: JoinHandle<()>,
    syncing: Option<JoinHandle<()>>,
}

impl LogExport {
    /// Sends every event of a subscription from now on, and what the queue's directory still has.
    ///
    /// # Errors
    ///
    /// When the directory or the certificates cannot be used.
    pub fn start(settings: &otlp::Logs, recorder: Recorder, events: Subscription) -> Result<Self, StartError> {
        let client = Client::new(&settings.connection, Signal::Logs)?;
        let queue = Queue::open(settings).map_err(|source| {
            let path = settings.queue.directory.clone().unwrap_or_default();
            StartError::Directory { path, source }
        })?;
        let queue = Arc::new(queue);
        let (stop, stopped) = oneshot::channel();
        let intake = tokio::spawn(take_in(Arc::clone(&queue), recorder, events, stopped));
        let delivery = Delivery::new(client, "logs", settings.give_up);
        let sending = tokio::spawn(send(Arc::clone(&queue), delivery));
        let syncing = settings.queue.directory.is_some().then(|| tokio::spawn(sync(Arc::clone(&queue))));
        Ok(Self { queue, stop, intake, sending, syncing })
    }

    /// What became of the events so far.
    pub fn totals(&self) -> impl Fn() -> Totals + Send + Sync + use<> {
        let queue = Arc::clone(&self.queue);
        move || queue.totals()
    }

    /// Takes what has happened until now, and sends it within a time. What is then left in memory is dropped.
    pub async fn finish(self, within: Duration) {
        let Self { queue, stop, intake, mut sending, syncing } = self;
        // What has just happened is still in the ring.
        time::sleep(LATENCY).await;
        drop(stop);
        if time::timeout(within, async { (intake.await, (&mut sending).await) }).await.is_err() {
            sending.abort();
        }
        queue.abandon();
        if let Some(syncing) = syncing {
            syncing.abort();
            queue.sync_all().await;
        }
        let Totals { exported, rejected, failed, dropped, queued, .. } = queue.totals();
        let dropped: u64 = dropped.iter().sum();
        if rejected + failed + dropped > 0 {
            warn!(exported, rejected, failed, dropped, queued, "not all events were exported");
        } else {
            info!(exported, queued, "events were exported");
        }
    }
}

/// Puts events into the queue until it is told to stop, and then those that are already there.
async fn take_in(queue: Arc<Queue>, recorder: Recorder, mut events: Subscription, mut stop: oneshot::Receiver<()>) {
    let add = |events: &[_], missed| {
        let observed = SystemTime::now();
        let records = events.iter().map(|event| recorder.record(event, observed)).collect();
        queue.add(missed, records, Instant::now());
    };
    loop {
        let late = queue.late_at();
        let linger = async {
            match late {
                Some(late) => time::sleep_until(late.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            next = events.next() => match next {
                Some((batch, missed)) => add(&batch.events, missed),
                None => break,
            },
            () = linger => queue.seal_late(Instant::now()),
            _ = &mut stop => break,
        }
        queue.store().await;
    }
    while let Ok(Some((batch, missed))) = time::timeout(Duration::ZERO, events.next()).await {
        add(&batch.events, missed);
    }
    queue.close();
    queue.store().await;
}

/// Sends what is in the queue until there will be no more.
async fn send(queue: Arc<Queue>, mut delivery: Delivery) {
    while let Some(next) = queue.next().await {
        let delivered = delivery.deliver(&next.body, |succeeded, took| queue.count_request(succeeded, took)).await;
        queue.settle(&next, delivered).await;
    }
}

/// Syncs what waits in the directory, again and again.
async fn sync(queue: Arc<Queue>) {
    loop {
        time::sleep(SYNC).await;
        queue.sync_old().await;
    }
}
