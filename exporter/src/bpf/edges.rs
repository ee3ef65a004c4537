//! The map of generated signals between cgroups. The kernel writes it, but for one entry of each target and signal: what senders that
//! are gone sent.

use std::{fmt, io, os::fd::AsFd as _};

use aya::maps::{Map, MapData, MapError, PerCpuHashMap, PerCpuValues};
use doubleslit_common::{key::EdgeKey, kind::Kind};

use super::{element::Element, ledger::Ledger, object::LoadError, source::BatchReader};
use crate::counts::{snapshot::MapRead, source::LastEdge};

const NAME: &str = "edges";

/// The map.
#[derive(Debug)]
pub(super) struct Edges {
    read: BatchReader<EdgeKey>,
    entries: Entries,
}

/// Single entries of it.
struct Entries {
    map: PerCpuHashMap<MapData, Element<EdgeKey>, u64>,
    cpus: usize,
}

impl Edges {
    pub(super) fn new(map: MapData, cpus: usize) -> Result<Self, LoadError> {
        let same = map.fd().as_fd().try_clone_to_owned().map_err(LoadError::Handle)?;
        let failed = |error| LoadError::Map(NAME, error);
        let same = Map::PerCpuHashMap(MapData::from_fd(same).map_err(failed)?);
        let entries = Entries { map: same.try_into().map_err(failed)?, cpus };
        Ok(Self { read: BatchReader::new(NAME, map, cpus)?, entries })
    }

    /// Reads every entry once.
    pub(super) fn read(&mut self, take: impl FnMut(EdgeKey, u64)) -> io::Result<MapRead> {
        self.read.read(take)
    }

    /// Writes an entry that the kernel does not.
    pub(super) fn set(&mut self, key: EdgeKey, count: u64) -> io::Result<()> {
        self.entries.set(key, count)
    }

    /// Removes an entry. Its last value is settled.
    pub(super) fn remove(&self, ledger: &Ledger, key: EdgeKey) -> io::Result<Option<LastEdge>> {
        let removed = ledger.remove(Some(Kind::SignalGenerate), None, |values| self.read.remove(key, values), |_| 0)?;
        Ok(removed.map(|value| LastEdge { value, gone: None }))
    }

    /// Removes an entry. The one of all senders that are gone gets its last value.
    pub(super) fn hand_on(&mut self, ledger: &Ledger, key: EdgeKey) -> io::Result<Option<LastEdge>> {
        let Self { read, entries } = self;
        let held = entries.get(EdgeKey::of_gone(key.target))?;
        let delete = |values: &[_]| read.remove(key, values);
        let handed = ledger.hand_on(key.target, held, delete, |key, count| entries.set(key, count))?;
        Ok(handed.map(|(value, gone)| LastEdge { value, gone }))
    }
}

impl fmt::Debug for Entries {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Entries").field("cpus", &self.cpus).finish_non_exhaustive()
    }
}

impl Entries {
    /// 0 where there is none.
    fn get(&self, key: EdgeKey) -> io::Result<u64> {
        match self.map.get(&Element(key), 0) {
            Ok(values) => Ok(values.iter().sum()),
            Err(MapError::KeyNotFound) => Ok(0),
            Err(error) => Err(io::Error::other(error)),
        }
    }

    fn set(&mut self, key: EdgeKey, count: u64) -> io::Result<()> {
        let mut values = vec![0; self.cpus];
        values[0] = count;
        self.map.insert(Element(key), PerCpuValues::try_from(values)?, 0).map_err(io::Error::other)
    }
}
