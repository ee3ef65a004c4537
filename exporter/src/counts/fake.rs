//! The maps and rows of them, without a kernel: for tests.

use std::{collections::BTreeMap, io, sync::Arc, time::UNIX_EPOCH};

use doubleslit_common::{
    key::{CountKey, EdgeKey},
    kind::Kind,
    loss::Loss,
    probes::signal::{self, SignalResult},
};

use super::{
    snapshot::{PerKind, Subject},
    source::{CountSource, LastEdge, Reading},
};
use crate::identity::Scope;

/// The rows of labels with these values: kind, detail and count of each.
pub(crate) fn subject(scope: Scope, labels: [&str; 4], counts: &[(Kind, u32, u64)]) -> Arc<Subject> {
    Arc::new(Subject {
        scope,
        labels: labels.map(str::to_owned).into(),
        created: UNIX_EPOCH,
        counts: counts.iter().map(|(kind, detail, count)| ((*kind, *detail), *count)).collect(),
        edges: [].into(),
    })
}

/// The maps, without a kernel.
#[derive(Debug, Default)]
pub(super) struct FakeSource {
    pub(super) counts: BTreeMap<CountKey, u64>,
    pub(super) edges: BTreeMap<EdgeKey, u64>,
    pub(super) skipped: BTreeMap<Kind, u64>,
    pub(super) losses: BTreeMap<(Loss, Kind), u64>,
    /// What was removed, as far as it counts.
    pub(super) settled: PerKind,
    /// A cgroup whose counts cannot be removed.
    pub(super) stuck: Option<u64>,
}

impl FakeSource {
    pub(super) fn count(&mut self, cgroup: u64, kind: Kind, detail: u32, increment: u64) {
        *self.counts.entry(CountKey::new(cgroup, kind, detail).expect("small")).or_default() += increment;
    }

    pub(super) fn edge(&mut self, target: u64, sender: u64, number: u32, increment: u64) {
        let detail = signal::detail(number, SignalResult::Delivered as u32);
        let target = CountKey::new(target, Kind::SignalGenerate, detail).expect("small");
        *self.edges.entry(EdgeKey { target, sender }).or_default() += increment;
    }

    pub(super) fn reading(&mut self) -> Reading {
        let mut reading = Reading::default();
        self.read(&mut reading).expect("a fake cannot fail");
        reading
    }
}

impl CountSource for FakeSource {
    fn read(&mut self, reading: &mut Reading) -> io::Result<()> {
        reading.clear();
        reading.counts.extend(self.counts.iter().map(|(key, value)| (*key, *value)));
        reading.edges.extend(self.edges.iter().map(|(key, value)| (*key, *value)));
        reading.skipped.extend(self.skipped.iter().map(|(kind, value)| (*kind, *value)));
        reading.losses.extend(self.losses.iter().map(|(key, value)| (*key, *value)));
        Ok(())
    }

    fn remove_count(&mut self, key: CountKey, is_counted: bool) -> io::Result<Option<u64>> {
        if self.stuck == Some(key.cgroup()) {
            return Err(io::ErrorKind::ResourceBusy.into());
        }
        let removed = self.counts.remove(&key);
        if let (Some(kind), true) = (key.kind(), is_counted) {
            self.settled.add(kind, removed.unwrap_or(0));
        }
        Ok(removed)
    }

    fn remove_edge(&mut self, key: EdgeKey, target_stays: bool) -> io::Result<Option<LastEdge>> {
        let Some(value) = self.edges.remove(&key) else { return Ok(None) };
        let gone = target_stays.then(|| {
            let heir = self.edges.entry(EdgeKey::of_gone(key.target)).or_default();
            *heir += value;
            *heir
        });
        if gone.is_none() {
            self.settled.add(Kind::SignalGenerate, value);
        }
        Ok(Some(LastEdge { value, gone }))
    }
}
