//! Putting together what became of single events.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use doubleslit_common::{event::Stage, kind::Kind};
use tracing::warn;

use crate::{
    bpf::events::Stages,
    events::{
        account::{Account, DECODE, OfKind, QUEUE_FULL, RING_FULL},
        hub::Hub,
        received::Received,
    },
    lives::{Fate, Numbers},
};

/// How often numbers that may still change are read.
const ATTEMPTS: usize = 20;

/// Where the numbers are.
#[derive(Debug)]
pub(super) struct Books {
    /// The kinds that somebody listens to.
    pub(super) kinds: Vec<Kind>,
    /// Bytes of the ring.
    pub(super) ring_bytes: u32,
    /// In the kernel.
    pub(super) stages: Mutex<Stages>,
    /// With the thread that finds containers.
    pub(super) lives: Arc<Numbers>,
    /// With the task that reads the ring.
    pub(super) received: Arc<Received>,
    /// With those who listen.
    pub(super) hub: Arc<Hub>,
}

impl Books {
    /// What became of all single events, once no more are generated.
    pub(super) async fn closed(&self) -> Account {
        for _ in 0..ATTEMPTS {
            let account = self.account();
            if account.is_balanced() {
                return account;
            }
            // A program that runs while it is detached ends soon.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        self.account()
    }

    /// What became of single events so far.
    pub(super) fn account(&self) -> Account {
        let Self { kinds, ring_bytes, stages, lives, received, hub } = self;
        // From the last stage to the first, so that nothing is received that was not generated.
        let missed = hub.missed();
        let received_of = |kind: &Kind| {
            let unwanted = received.unwanted(*kind);
            (*kind, (received.of(*kind) - unwanted, unwanted))
        };
        let received_of: BTreeMap<_, _> = kinds.iter().map(received_of).collect();
        let (unknown, waiting_bytes) = (received.unknown(), received.waiting_bytes());
        let stages = stages.lock().unwrap_or_else(PoisonError::into_inner).read().unwrap_or_else(|error| {
            warn!(%error, "cannot read what became of events in the kernel");
            BTreeMap::new()
        });
        let of_kind = |kind| {
            let at = |stage| stages.get(&(kind, stage)).copied().unwrap_or(0);
            let (received, unwanted) = received_of[&kind];
            if matches!(kind, Kind::ContainerStart | Kind::ContainerStop) {
                let lost = BTreeMap::from([(QUEUE_FULL, lives.of(kind, Fate::Lost))]);
                let generated = lives.of(kind, Fate::Generated);
                return OfKind { generated, filtered: unwanted, lost, received, ..OfKind::default() };
            }
            OfKind {
                generated: at(Stage::Generated),
                filtered: at(Stage::Filtered) + unwanted,
                sampled_out: at(Stage::SampledOut),
                lost: BTreeMap::from([(RING_FULL, at(Stage::RingFull)), (DECODE, self.received.malformed(kind))]),
                received,
            }
        };
        let kinds = kinds.iter().map(|kind| (*kind, of_kind(*kind))).collect();
        Account { kinds, unknown, missed, ring_bytes: u64::from(*ring_bytes), waiting_bytes }
    }
}
