//! The maps, without a kernel: for tests.

use std::{collections::BTreeMap, io};

use doubleslit_common::{
    key::{CountKey, EdgeKey},
    kind::Kind,
    loss::Loss,
    probes::signal::{self, SignalResult},
};

use super::source::{CountSource, Reading};

/// The maps, without a kernel.
#[derive(Debug, Default)]
pub(super) struct FakeSource {
    pub(super) counts: BTreeMap<CountKey, u64>,
    pub(super) edges: BTreeMap<EdgeKey, u64>,
    pub(super) skipped: BTreeMap<Kind, u64>,
    pub(super) losses: BTreeMap<(Loss, Kind), u64>,
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

    fn remove_count(&mut self, key: CountKey) -> io::Result<Option<u64>> {
        if self.stuck == Some(key.cgroup()) {
            return Err(io::ErrorKind::ResourceBusy.into());
        }
        Ok(self.counts.remove(&key))
    }

    fn remove_edge(&mut self, key: EdgeKey) -> io::Result<Option<u64>> {
        Ok(self.edges.remove(&key))
    }
}
