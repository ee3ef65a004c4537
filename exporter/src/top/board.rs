//! Counts of the last interval, rates, and how they were before.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use super::{
    View,
    totals::{OwnerKey, Totals},
};
use crate::{
    counts::snapshot::Snapshot,
    identity::{Scope, short_id},
};

/// How many intervals back rates are kept.
pub(super) const HISTORY: usize = 16;

/// Whose a row is.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owner {
    /// What it is.
    pub scope: Scope,
    /// The pod's namespace.
    pub namespace: String,
    /// The pod.
    pub pod: String,
    /// The container's name.
    pub container: String,
    /// The container's id.
    pub container_id: String,
}

impl Owner {
    pub(super) fn key(&self) -> OwnerKey {
        let Self { scope: _, namespace, pod, container, container_id } = self;
        if container_id.is_empty() {
            [namespace.clone(), pod.clone(), container.clone(), String::new()]
        } else {
            [String::new(), String::new(), String::new(), container_id.clone()]
        }
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> String {
        let Self { scope, namespace, pod, container, container_id } = self;
        name(*scope, namespace, pod, container, container_id)
    }
}

/// What the owner of rows is called who has these names.
#[must_use]
pub fn name(scope: Scope, namespace: &str, pod: &str, container: &str, container_id: &str) -> String {
    if scope == Scope::Host {
        return "host".to_owned();
    }
    let container = if container.is_empty() { short_id(container_id) } else { container };
    [namespace, pod, container].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
}

/// What a row counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct What {
    /// The event or the system call.
    pub name: &'static str,
    /// The system call's error; empty for events.
    pub errno: &'static str,
}

/// A row.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Whose it is.
    pub owner: Arc<Owner>,
    /// What it counts.
    pub what: What,
    /// How many there were in the last interval.
    pub count: u64,
    /// How many there were since the beginning.
    pub total: u64,
    /// How many a second, in the last intervals up to the latest one.
    pub rates: Vec<f64>,
}

impl Row {
    /// How many a second there were in the last interval.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.rates.last().copied().unwrap_or_default()
    }
}

/// What was counted from interval to interval.
#[derive(Debug)]
pub struct Board {
    view: View,
    tracks: BTreeMap<(OwnerKey, What), Track>,
}

#[derive(Debug)]
struct Track {
    owner: Arc<Owner>,
    /// What the last snapshot had.
    last: u64,
    count: u64,
    total: u64,
    rates: VecDeque<f64>,
}

impl Board {
    /// Begins with this snapshot: what it has was before.
    #[must_use]
    pub fn new(view: View, snapshot: &Snapshot) -> Self {
        let mut board = Self { view, tracks: BTreeMap::new() };
        let Totals { owners, counts } = Totals::of(view, snapshot);
        for (key, last) in counts {
            let owner = owners.get(&key.0).cloned().unwrap_or_default();
            board.tracks.insert(key, Track { last, ..Track::new(owner) });
        }
        board
    }

    /// Adds what a snapshot has more than the one before, which was taken so many seconds earlier.
    pub fn add(&mut self, snapshot: &Snapshot, seconds: f64) {
        let Totals { owners, mut counts } = Totals::of(self.view, snapshot);
        for (key, track) in &mut self.tracks {
            if let Some(owner) = owners.get(&key.0) {
                track.owner = Arc::clone(owner);
            }
            track.add(counts.remove(key).unwrap_or_default(), seconds);
        }
        for (key, reading) in counts {
            let mut track = Track::new(owners.get(&key.0).cloned().unwrap_or_default());
            track.add(reading, seconds);
            self.tracks.insert(key, track);
        }
        // What the snapshot has no more, and what has long been still, is no longer there.
        self.tracks.retain(|_, track| track.last > 0 || track.rates.iter().any(|rate| *rate > 0.0));
    }

    /// What has counted since the beginning.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        let counted = self.tracks.iter().filter(|(_, track)| track.total > 0);
        counted.map(|((_, what), track)| track.row(*what)).collect()
    }
}

impl Track {
    fn new(owner: Arc<Owner>) -> Self {
        Self { owner, last: 0, count: 0, total: 0, rates: VecDeque::new() }
    }

    fn add(&mut self, reading: u64, seconds: f64) {
        // A row that was gone and is there again begins anew.
        self.count = reading.checked_sub(self.last).unwrap_or(reading);
        self.last = reading;
        self.total += self.count;
        if self.rates.len() == HISTORY {
            self.rates.pop_front();
        }
        self.rates.push_back(if seconds > 0.0 { self.count as f64 / seconds } else { 0.0 });
    }

    fn row(&self, what: What) -> Row {
        let Self { owner, last: _, count, total, rates } = self;
        Row { owner: Arc::clone(owner), what, count: *count, total: *total, rates: rates.iter().copied().collect() }
    }
}
