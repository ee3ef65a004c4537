//! Hands every event to every subscriber. Who is slow misses some and is told how many; nobody else notices.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::broadcast::{self, error::RecvError};

use super::{event::Event, outlet::Outlet};

/// Batches that are kept for slow subscribers.
const BATCHES: usize = 64;
/// Events in a batch, at most.
pub const BATCH_EVENTS: usize = 1024;

/// Events that came at once.
#[derive(Debug)]
pub struct Batch {
    /// How many were handed out before them.
    first: u64,
    /// The events, as they came.
    pub events: Vec<Event>,
}

/// Where events are handed out.
#[derive(Debug)]
pub struct Hub {
    publishing: Mutex<Publishing>,
    /// How many events subscribers missed, by their names.
    missed: Mutex<BTreeMap<&'static str, Arc<AtomicU64>>>,
}

#[derive(Debug)]
struct Publishing {
    /// Nothing when no more will come.
    sender: Option<broadcast::Sender<Arc<Batch>>>,
    /// How many events were handed out.
    count: u64,
}

impl Default for Hub {
    fn default() -> Self {
        let sender = Some(broadcast::Sender::new(BATCHES));
        Self { publishing: Mutex::new(Publishing { sender, count: 0 }), missed: Mutex::default() }
    }
}

impl Hub {
    /// Everything from now on. Subscribers of one name are counted together.
    #[must_use]
    pub fn subscribe(&self, name: &'static str) -> Subscription {
        let missed = Arc::clone(lock(&self.missed).entry(name).or_default());
        // Both at once, so that nothing is handed out in between.
        let Publishing { sender, count } = &*lock(&self.publishing);
        let receiver = sender.as_ref().map_or_else(|| broadcast::channel(1).1, broadcast::Sender::subscribe);
        Subscription { receiver, expected: *count, missed }
    }

    /// How many events were handed out so far.
    #[must_use]
    pub fn published(&self) -> u64 {
        lock(&self.publishing).count
    }

    /// Hands out events. Never waits.
    pub fn publish(&self, events: Vec<Event>) {
        let Publishing { sender, count } = &mut *lock(&self.publishing);
        let first = *count;
        *count += events.len() as u64;
        if let Some(sender) = sender {
            // With nobody there, nobody misses it.
            let _ = sender.send(Arc::new(Batch { first, events }));
        }
    }

    /// Tells those who listen that there will be no more.
    pub fn close(&self) {
        lock(&self.publishing).sender = None;
    }

    /// How many events the subscribers of each name have missed.
    #[must_use]
    pub fn missed(&self) -> BTreeMap<&'static str, u64> {
        lock(&self.missed).iter().map(|(name, missed)| (*name, missed.load(Ordering::Relaxed))).collect()
    }
}

impl Outlet for Hub {
    fn publish(&self, events: Vec<Event>) {
        Self::publish(self, events);
    }

    fn close(&self) {
        Self::close(self);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whoever panicked left numbers that are whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What one subscriber receives.
#[derive(Debug)]
pub struct Subscription {
    receiver: broadcast::Receiver<Arc<Batch>>,
    /// How many events were handed out before the next batch, if none is missed.
    expected: u64,
    missed: Arc<AtomicU64>,
}

impl Subscription {
    /// The next events, and how many were missed before them because this subscriber was slow. Nothing when there will be no
    /// more.
    pub async fn next(&mut self) -> Option<(Arc<Batch>, u64)> {
        let batch = loop {
            match self.receiver.recv().await {
                Ok(batch) => break batch,
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        };
        let missed = batch.first - self.expected;
        self.missed.fetch_add(missed, Ordering::Relaxed);
        self.expected = batch.first + batch.events.len() as u64;
        Some((batch, missed))
    }
}

#[cfg(test)]
mod tests;
