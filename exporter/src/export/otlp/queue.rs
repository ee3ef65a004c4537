//! Records between the events and the collector: bounded, in order, each accounted for.

use std::{
    collections::VecDeque,
    io, mem,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use prost::bytes::Bytes;
use tokio::{sync::Notify, task::spawn_blocking};
use tracing::warn;

use super::{
    batch::{Batch, REQUEST_BYTES},
    delivery::Delivered,
    directory::{self, Directory, Stored},
    record::Record,
    totals::{Dropped, Totals},
};
use crate::config::otlp;

/// Where records wait. Adding never waits for anything.
#[derive(Debug)]
pub(super) struct Queue {
    limits: Limits,
    directory: Option<Directory>,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Clone, Copy, Debug)]
struct Limits {
    bytes: usize,
    records: u64,
    batch: u64,
    linger: Duration,
}

#[derive(Debug, Default)]
struct State {
    open: Batch,
    sealed: VecDeque<Sealed>,
    /// Bytes of the sealed requests.
    bytes: usize,
    /// The number of the next request.
    next: u64,
    /// Files before this number are synced.
    synced: u64,
    /// The number before which all were files when [`Queue::sync_old`] last looked.
    old: u64,
    is_closed: bool,
    totals: Totals,
}

/// A request that waits to be sent, or is under way.
#[derive(Clone, Debug)]
struct Sealed {
    number: u64,
    records: u64,
    bytes: usize,
    body: Body,
}

#[derive(Clone, Debug)]
enum Body {
    Memory(Bytes),
    File,
}

/// The request that is next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Next {
    number: u64,
    /// The records in it.
    pub(super) records: u64,
    /// The request.
    pub(super) body: Bytes,
}

impl Queue {
    /// A queue with what its directory still has.
    pub(super) fn open(settings: &otlp::Logs) -> io::Result<Self> {
        let otlp::Logs { batch, linger, queue: otlp::Queue { bytes, records, directory }, .. } = settings;
        let limits = Limits {
            bytes: *bytes,
            records: records.map_or(u64::MAX, |records| records as u64),
            batch: *batch as u64,
            linger: *linger,
        };
        let mut state = State { totals: Totals { queue_capacity: *bytes, ..Totals::default() }, ..State::default() };
        let directory = directory.as_ref().map(|path| Directory::open(path)).transpose()?;
        let directory = directory.map(|(directory, stored, damaged)| {
            stored.into_iter().for_each(|stored| state.restore(stored));
            if damaged > 0 {
                warn!(files = damaged, "requests in the queue's directory were damaged; their records are lost");
            }
            directory
        });
        Ok(Self { limits, directory, state: Mutex::new(state), changed: Notify::new() })
    }

    /// Adds records, of which some were missed before. Those that find no room are dropped.
    pub(super) fn add(&self, missed: u64, records: Vec<Record>, now: Instant) {
        let mut state = self.state();
        state.totals.accepted += missed + records.len() as u64;
        state.totals.drop_records(Dropped::Missed, missed);
        for record in records {
            let bytes = state.bytes + self.size(state.open.bytes() + state.open.growth(&record));
            if bytes > self.limits.bytes || state.totals.queued >= self.limits.records {
                state.totals.drop_records(Dropped::QueueFull, 1);
                continue;
            }
            state.open.add(record, now);
            state.totals.queued += 1;
            if state.open.records() >= self.limits.batch || state.open.bytes() >= REQUEST_BYTES {
                self.seal(&mut state);
            }
        }
    }

    /// Makes a request of records that have waited long enough for others.
    pub(super) fn seal_late(&self, now: Instant) {
        let mut state = self.state();
        if state.open.begun().is_some_and(|begun| now.saturating_duration_since(begun) >= self.limits.linger) {
            self.seal(&mut state);
        }
    }

    /// When there will be records that have waited long enough.
    pub(super) fn late_at(&self) -> Option<Instant> {
        self.state().open.begun().map(|begun| begun + self.limits.linger)
    }

    /// Makes a request of all that waits. Nothing is added after that.
    pub(super) fn close(&self) {
        let mut state = self.state();
        self.seal(&mut state);
        state.is_closed = true;
        self.changed.notify_one();
    }

    /// Writes what is only in memory to the directory, if there is one.
    pub(super) async fn store(&self) {
        let Some(directory) = &self.directory else { return };
        loop {
            // A name of its own, so that the lock is not held while the file is written.
            let unwritten = self.state().unwritten();
            let Some((number, records, body)) = unwritten else { return };
            let writing = directory.clone();
            let written = spawn_blocking(move || writing.write(number, records, &body)).await;
            let written = written.map_err(io::Error::other).flatten();
            let is_needed = self.state().stored(number, written.is_ok());
            match written {
                Ok(()) if !is_needed => self.remove(number).await,
                Ok(()) => {}
                Err(error) => warn!(%error, "cannot write to the directory of `otlp.logs.directory`; records are lost"),
            }
        }
    }

    /// Syncs the files that were there the last time already, so that a collector that takes what it is sent costs no sync.
    pub(super) async fn sync_old(&self) -> usize {
        let old = {
            let mut state = self.state();
            let files = state.unwritten().map_or(state.next, |(number, ..)| number);
            mem::replace(&mut state.old, files)
        };
        self.sync(old).await
    }

    /// Syncs every file. Returns how many.
    pub(super) async fn sync_all(&self) -> usize {
        self.sync(u64::MAX).await
    }

    /// Syncs the files before a number that are not yet.
    async fn sync(&self, end: u64) -> usize {
        let Some(directory) = self.directory.clone() else { return 0 };
        let numbers: Vec<_> = {
            let mut state = self.state();
            let begin = mem::replace(&mut state.synced, end);
            let files = state.sealed.iter().filter(|sealed| matches!(sealed.body, Body::File));
            files.map(|file| file.number).filter(|number| (begin..end).contains(number)).collect()
        };
        let synced = spawn_blocking(move || directory.sync(&numbers)).await;
        synced.map_err(io::Error::other).flatten().unwrap_or_else(|error| {
            warn!(%error, "cannot sync the directory of `otlp.logs.directory`; a crash of the machine may lose what waits in it");
            0
        })
    }

    /// The request that is next. It stays in the queue until it is settled. Nothing when there will be no more.
    pub(super) async fn next(&self) -> Option<Next> {
        loop {
            let changed = self.changed.notified();
            let (first, is_closed) = {
                let state = self.state();
                (state.sealed.front().cloned(), state.is_closed)
            };
            match first {
                Some(Sealed { number, records, body: Body::Memory(body), .. }) => {
                    return Some(Next { number, records, body });
                }
                Some(Sealed { number, body: Body::File, .. }) => match self.read(number).await {
                    Ok(Some((records, body))) => return Some(Next { number, records, body }),
                    Ok(None) => self.lose(number, "it is damaged"),
                    Err(error) => self.lose(number, &error.to_string()),
                },
                None if is_closed => return None,
                None => changed.await,
            }
        }
    }

    /// Takes the request that was next out of the queue.
    pub(super) async fn settle(&self, next: &Next, outcome: Delivered) {
        let is_stored = {
            let mut state = self.state();
            let Some(sealed) = state.take_first(next.number) else { return };
            match outcome {
                Delivered::Taken { rejected } => {
                    let rejected = rejected.min(sealed.records);
                    state.totals.rejected += rejected;
                    state.totals.exported += sealed.records - rejected;
                }
                Delivered::GivenUp => state.totals.failed += sealed.records,
            }
            matches!(sealed.body, Body::File)
        };
        if is_stored {
            self.remove(next.number).await;
        }
    }

    /// Counts a request that was sent, again or for the first time.
    pub(super) fn count_request(&self, succeeded: bool, duration: Duration) {
        self.state().totals.requests.add(succeeded, duration);
    }

    /// Drops what is only in memory: the exporter ends.
    pub(super) fn abandon(&self) {
        let mut state = self.state();
        self.seal(&mut state);
        let State { sealed, bytes, totals, .. } = &mut *state;
        sealed.retain(|request| {
            let is_kept = matches!(request.body, Body::File);
            if !is_kept {
                *bytes -= request.bytes;
                totals.queued -= request.records;
                totals.drop_records(Dropped::Shutdown, request.records);
            }
            is_kept
        });
    }

    /// What became of all records.
    pub(super) fn totals(&self) -> Totals {
        let state = self.state();
        let open = if state.open.records() == 0 { 0 } else { self.size(state.open.bytes()) };
        Totals { queue_bytes: state.bytes + open, ..state.totals }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seal(&self, state: &mut State) {
        let records = state.open.records();
        if records == 0 {
            return;
        }
        let body = state.open.seal();
        state.push(Sealed { number: state.next, records, bytes: self.size(body.len()), body: Body::Memory(body) });
        self.changed.notify_one();
    }

    /// What a request takes of the queue's bytes.
    fn size(&self, bytes: usize) -> usize {
        if self.directory.is_some() { directory::size(bytes) } else { bytes }
    }

    async fn read(&self, number: u64) -> io::Result<Option<(u64, Bytes)>> {
        let Some(directory) = self.directory.clone() else { return Ok(None) };
        spawn_blocking(move || directory.read(number)).await.map_err(io::Error::other)?
    }

    async fn remove(&self, number: u64) {
        let Some(directory) = self.directory.clone() else { return };
        let removed = spawn_blocking(move || directory.remove(number)).await;
        if let Err(error) = removed.map_err(io::Error::other).flatten() {
            warn!(%error, request = number, "cannot remove a request that is done; it will be sent again");
        }
    }

    fn lose(&self, number: u64, reason: &str) {
        warn!(request = number, reason, "cannot read a request of the queue; its records are lost");
        let mut state = self.state();
        if let Some(sealed) = state.take_first(number) {
            state.totals.drop_records(Dropped::Disk, sealed.records);
        }
    }
}

impl State {
    fn push(&mut self, sealed: Sealed) {
        self.bytes += sealed.bytes;
        self.next = sealed.number + 1;
        self.sealed.push_back(sealed);
    }

    fn restore(&mut self, Stored { number, records, bytes }: Stored) {
        self.totals.accepted += records;
        self.totals.queued += records;
        self.push(Sealed { number, records, bytes, body: Body::File });
    }

    /// The first request that is only in memory.
    fn unwritten(&self) -> Option<(u64, u64, Bytes)> {
        self.sealed.iter().find_map(|sealed| match &sealed.body {
            Body::Memory(body) => Some((sealed.number, sealed.records, body.clone())),
            Body::File => None,
        })
    }

    /// A request was written, or could not be, and then it is dropped. Returns whether it was still in the queue.
    fn stored(&mut self, number: u64, is_written: bool) -> bool {
        let Some(at) = self.sealed.iter().position(|sealed| sealed.number == number) else { return false };
        if is_written {
            self.sealed[at].body = Body::File;
        } else if let Some(sealed) = self.sealed.remove(at) {
            self.forget(&sealed);
            self.totals.drop_records(Dropped::Disk, sealed.records);
        }
        true
    }

    fn take_first(&mut self, number: u64) -> Option<Sealed> {
        let sealed = self.sealed.pop_front_if(|first| first.number == number)?;
        self.forget(&sealed);
        Some(sealed)
    }

    fn forget(&mut self, sealed: &Sealed) {
        self.bytes -= sealed.bytes;
        self.totals.queued -= sealed.records;
    }
}
