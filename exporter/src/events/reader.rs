//! The task that reads the ring: on its own clock, or when the kernel says that much is waiting.

use std::{
    collections::HashSet,
    io,
    sync::{Arc, OnceLock},
    time::{Duration, Instant, SystemTime},
};

use tokio::sync::oneshot;
use tracing::debug;

use super::{
    decode::{Decoder, Record},
    event::{Details, Event, SignalGenerate},
    hub::{BATCH_EVENTS, Hub},
    outlet::Outlet,
    received::Received,
    redact::Redaction,
    source::RecordSource,
    syscalls::Signatures,
};
use crate::{
    clock,
    identity::{
        CgroupId,
        registry::{Known, Registry},
    },
    lives::Changes,
    readiness::readable,
    tracepoints::table::Table,
};

/// How often the ring is read when nobody wakes the task.
const INTERVAL: Duration = Duration::from_millis(100);
/// How soon events are looked at again whose owner is not known yet.
const SECOND_LOOK: Duration = Duration::from_millis(20);
/// How long events wait. An owner of which nothing is known is a cgroup so young that its notice is still on its way, which
/// takes long only when the machine is overloaded.
const PATIENCE: Patience = Patience { for_name: Duration::from_millis(100), for_owner: Duration::from_secs(1) };
/// How long an event takes from the kernel to those who listen, once its owner is known.
pub const LATENCY: Duration = INTERVAL.saturating_add(PATIENCE.for_name).saturating_add(SECOND_LOOK);
/// How many events may wait for names.
const WAITING: usize = 8192;
/// Bytes that the ring puts in front of a record, and of which its length is made a multiple (`BPF_RINGBUF_HDR_SZ`).
const RECORD_HEADER: usize = 8;

/// What the task works with.
#[derive(Debug)]
pub struct Reader<S, O = Hub> {
    /// The ring.
    pub source: S,
    /// The containers that started or stopped.
    pub changes: Changes,
    /// Whose cgroups are.
    pub registry: Arc<Registry>,
    /// Where events go.
    pub hub: Arc<O>,
    /// What came.
    pub received: Arc<Received>,
    /// The tracepoints whose hits come.
    pub tracepoints: Table,
    /// What is known of system calls, once it is.
    pub signatures: Arc<OnceLock<Signatures>>,
    /// What is hidden of it.
    pub redaction: Redaction,
    /// Which events are handed out.
    pub wanted: Wanted,
}

/// Whether an event is wanted.
pub struct Wanted(pub Box<dyn Fn(&Event) -> bool + Send>);

impl Default for Wanted {
    /// Every one is.
    fn default() -> Self {
        Self(Box::new(|_| true))
    }
}

impl std::fmt::Debug for Wanted {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Wanted").finish_non_exhaustive()
    }
}

/// How long events wait for what is not known of their owner.
#[derive(Clone, Copy, Debug)]
struct Patience {
    /// Who it is, and what its users are called.
    for_name: Duration,
    /// Anything.
    for_owner: Duration,
}

/// When nothing more will be known.
const NO_PATIENCE: Patience = Patience { for_name: Duration::ZERO, for_owner: Duration::ZERO };

impl Patience {
    /// How long an event waits with what is known of its owner.
    fn with(self, known: Option<&Known>) -> Duration {
        match known {
            Some(Known { is_settled: true, users, .. }) if !users.as_ref().is_some_and(|users| users.is_awaited()) => {
                Duration::ZERO
            }
            Some(_) => self.for_name,
            None => self.for_owner,
        }
    }
}

/// Records that wait, in the order in which they came, each since some time.
type Waiting = Vec<(Instant, Record)>;

impl<S: RecordSource, O: Outlet> Reader<S, O> {
    /// Reads until `stop` comes or cannot come any more, and then what is left. Then there are no more events for anybody.
    ///
    /// # Errors
    ///
    /// When the ring cannot be waited for.
    pub async fn run(mut self, stop: oneshot::Receiver<()>) -> io::Result<()> {
        let result = self.read_until(stop).await;
        self.hub.close();
        result
    }

    async fn read_until(&mut self, mut stop: oneshot::Receiver<()>) -> io::Result<()> {
        let readable = readable(self.source.as_fd().try_clone_to_owned()?)?;
        let mut waiting = Waiting::new();
        loop {
            let timeout = if waiting.is_empty() { INTERVAL } else { SECOND_LOOK };
            tokio::select! {
                ready = readable.readable() => ready?.clear_ready(),
                () = tokio::time::sleep(timeout) => {}
                _ = &mut stop => break,
            }
            self.read(&mut waiting, PATIENCE).await;
        }
        self.read(&mut waiting, NO_PATIENCE).await;
        Ok(())
    }

    /// Reads what there is, batch by batch.
    async fn read(&mut self, waiting: &mut Waiting, patience: Patience) {
        let mut bytes = 0;
        while self.read_batch(waiting, patience, &mut bytes) == BATCH_EVENTS {
            // Those who listen run meanwhile.
            tokio::task::yield_now().await;
        }
        self.received.waited(bytes);
    }

    /// Reads what there is, at most a batch, and hands it out. Returns how many records there were.
    fn read_batch(&mut self, waiting: &mut Waiting, patience: Patience, bytes: &mut u64) -> usize {
        let Self { source, changes, registry, hub, received, tracepoints, signatures, redaction, wanted } = self;
        let (tracepoints, nothing) = (tracepoints.all(), Signatures::default());
        let decoder = Decoder::new(booted(), &tracepoints, signatures.get().unwrap_or(&nothing));
        let mut events = Vec::new();
        while let Ok(change) = changes.try_recv() {
            let event = Event::from(change);
            received.understood(event.kind());
            events.push(event);
        }
        let now = Instant::now();
        let mut owners = Owners { registry, last: None };
        let (earlier, mut delayed) = (std::mem::take(waiting), HashSet::new());
        let mut place = |since: Instant, record: Record| {
            let cgroup = CgroupId(record.header.cgroup);
            let for_sender = sender(&record.details).map_or(Duration::ZERO, |sender| patience.with(owners.get(sender)));
            let patience = patience.with(owners.get(cgroup)).max(for_sender);
            // What follows one that waits must not overtake it.
            let must_wait = now < since + patience || delayed.contains(&cgroup);
            if must_wait && waiting.len() < WAITING {
                delayed.insert(cgroup);
                waiting.push((since, record));
            } else {
                events.push(label(record, cgroup, &mut owners, decoder));
            }
        };
        earlier.into_iter().for_each(|(since, record)| place(since, record));
        let count = source.drain(BATCH_EVENTS, &mut |record| {
            *bytes += (RECORD_HEADER + record.len()).next_multiple_of(RECORD_HEADER) as u64;
            match decoder.decode(record) {
                Ok(mut record) => {
                    redaction.apply(&mut record.details);
                    received.understood(record.details.kind());
                    place(now, record);
                }
                Err(error) => {
                    received.failed(error);
                    debug!(event = error.kind(), "{error}");
                }
            }
        });
        events.retain(|event| {
            let is_wanted = (wanted.0)(event);
            if !is_wanted {
                received.kept_back(event.kind());
            }
            is_wanted
        });
        if !events.is_empty() {
            hub.publish(events);
        }
        count
    }
}

/// Whose cgroups are. Events of one cgroup often come one after the other.
struct Owners<'a> {
    registry: &'a Registry,
    last: Option<(CgroupId, Option<Known>)>,
}

impl Owners<'_> {
    fn get(&mut self, cgroup: CgroupId) -> Option<&Known> {
        if self.last.as_ref().is_none_or(|(last, _)| *last != cgroup) {
            self.last = Some((cgroup, self.registry.get(cgroup)));
        }
        self.last.as_ref()?.1.as_ref()
    }
}

/// The cgroup of the process that sent a signal.
fn sender(details: &Details) -> Option<CgroupId> {
    let Details::SignalGenerate(SignalGenerate { sender: Some(sender), .. }) = details else { return None };
    Some(CgroupId(sender.record.cgroup))
}

/// Says whose an event is, and who caused it, as far as that is known.
fn label(record: Record, cgroup: CgroupId, owners: &mut Owners<'_>, decoder: Decoder<'_>) -> Event {
    let Record { header, process, mut details } = record;
    if let Details::SignalGenerate(SignalGenerate { sender: Some(sender), .. }) = &mut details
        && let Some(known) = owners.get(CgroupId(sender.record.cgroup))
    {
        sender.identity = Arc::clone(&known.identity);
    }
    let known = owners.get(cgroup);
    let (cgroup_path, identity) =
        known.map(|known| (Arc::clone(&known.path), Arc::clone(&known.identity))).unwrap_or_default();
    let users = known.and_then(|known| known.users.as_ref()?.names());
    let (time, weight, listeners, cpu) = (decoder.time(header.boot_ns), header.weight, header.listeners, header.cpu);
    Event { time, cgroup, cgroup_path, identity, users, weight, listeners, cpu, process, details }
}

/// When the machine's time since boot was 0.
fn booted() -> SystemTime {
    SystemTime::now() - clock::since_boot()
}

#[cfg(test)]
mod tests;
