//! Scrapes under way: no more than so many, and who does not read its answer makes room.

use std::{
    future::pending,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};

/// How long a reader may take nothing before it makes room for another one.
const MOMENT: Duration = Duration::from_millis(50);

/// How long who comes waits for that, or for another one's end.
const WAIT: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(super) struct Scrapes {
    permits: Arc<Semaphore>,
    turns: Mutex<Vec<Arc<Turn>>>,
}

/// A scrape, as far as it matters to others.
#[derive(Debug, Default)]
pub(super) struct Turn {
    /// Since when its reader takes nothing.
    stalled: Mutex<Option<Instant>>,
    over: Notify,
}

/// The right to a scrape, for as long as this is kept.
#[derive(Debug)]
pub(super) struct Permit {
    scrapes: Arc<Scrapes>,
    pub(super) turn: Arc<Turn>,
    _permit: OwnedSemaphorePermit,
}

impl Scrapes {
    pub(super) fn new(max: usize) -> Self {
        Self { permits: Arc::new(Semaphore::new(max)), turns: Mutex::default() }
    }

    /// Begins a scrape; nothing where all others are read, and none of them ends soon.
    pub(super) async fn begin(self: &Arc<Self>) -> Option<Permit> {
        let permits = Arc::clone(&self.permits);
        let permit = match Arc::clone(&permits).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                let freed = async {
                    tokio::select! {
                        permit = permits.acquire_owned() => permit.ok(),
                        () = self.make_room() => None,
                    }
                };
                timeout(WAIT, freed).await.ok()??
            }
        };
        let turn = Arc::new(Turn::default());
        self.turns.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&turn));
        Some(Permit { scrapes: Arc::clone(self), turn, _permit: permit })
    }

    /// Ends the scrape that has waited longest for its reader, as soon as there is one that has for a moment. Then there is nothing
    /// left to do.
    async fn make_room(&self) {
        let turn = loop {
            match self.most_stalled() {
                Some(turn) => break turn,
                None => sleep(MOMENT / 5).await,
            }
        };
        turn.over.notify_one();
        pending().await
    }

    fn most_stalled(&self) -> Option<Arc<Turn>> {
        let turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        let stalled = turns.iter().filter_map(|turn| Some((turn.stalled()?, turn)));
        let (since, turn) = stalled.min_by_key(|(since, _)| *since)?;
        (since.elapsed() > MOMENT).then(|| Arc::clone(turn))
    }
}

impl Turn {
    fn stalled(&self) -> Option<Instant> {
        *self.stalled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the reader. Nothing when another one needs the room.
    pub(super) async fn waiting<T>(&self, reader: impl Future<Output = T>) -> Option<T> {
        *self.stalled.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        let taken = tokio::select! {
            taken = reader => Some(taken),
            () = self.over.notified() => None,
        };
        *self.stalled.lock().unwrap_or_else(PoisonError::into_inner) = None;
        taken
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut turns = self.scrapes.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|turn| !Arc::ptr_eq(turn, &self.turn));
    }
}
