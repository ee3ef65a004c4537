//! Reading the counting maps in batches.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::atomic::AtomicU64,
    time::{Instant, SystemTime},
};

use aya::maps::MapData;
use doubleslit_common::{
    key::{CountKey, EdgeKey},
    kind::Kind,
    loss::Loss,
    probes::tracepoint::TRACEPOINTS,
};

use super::{
    edges::Edges,
    ledger::Ledger,
    object::LoadError,
    slots::Slots,
    status::AttachedProgram,
    sys::{self, Key},
    tracepoints::HitCounts,
};
use crate::counts::{
    snapshot::{MapRead, PerKind},
    source::{CountSource, LastEdge, Reading},
};

/// Room for values in one batch, in bytes.
const BATCH_BYTES: usize = 1 << 20;
/// Entries in one batch, unless a bucket of the map has more.
const BATCH_ENTRIES: std::ops::RangeInclusive<usize> = 1024..=8192;

/// The maps of the loaded object.
#[derive(Debug)]
pub struct KernelCounts {
    ledger: Ledger,
    slots: Slots,
    counts: BatchReader<CountKey>,
    edges: Edges,
    /// Hits of tracepoints that are split, if there are some.
    hits: Option<HitCounts>,
    losses: BatchReader<u32>,
    /// The programs of which each run is one event.
    programs: Vec<(Kind, OwnedFd)>,
}

/// The maps that counts are read from.
#[derive(Debug)]
pub(super) struct Maps {
    pub slots: MapData,
    pub counts: MapData,
    pub edges: MapData,
    pub losses: MapData,
}

impl KernelCounts {
    /// A reader of these maps, and of what the kernel tells of the programs, on a machine with `cpus` possible CPUs.
    pub(super) fn new(
        maps: Maps,
        ledger: Ledger,
        hits: Option<HitCounts>,
        programs: &[AttachedProgram],
        cpus: usize,
    ) -> Result<Self, LoadError> {
        let Maps { slots, counts, edges, losses } = maps;
        let counting = |AttachedProgram { program, fd }: &AttachedProgram| {
            let kind = program.kinds.first().filter(|_| program.each_run_counts)?;
            Some(fd.try_clone().map(|fd| (*kind, fd)))
        };
        let mut slots = Slots::map(slots.fd(), cpus).map_err(LoadError::Memory)?;
        let mut edges = Edges::new(edges, cpus)?;
        ledger.recover(|position| slots.release(&ledger, position), |key, count| edges.set(key, count));
        Ok(Self {
            ledger,
            slots,
            counts: BatchReader::new("counts", counts, cpus)?,
            edges,
            hits,
            losses: BatchReader::new("losses", losses, cpus)?,
            programs: programs.iter().filter_map(counting).collect::<Result<_, _>>().map_err(LoadError::Handle)?,
        })
    }

    /// Since when the maps count.
    #[must_use]
    pub fn begun(&self) -> SystemTime {
        self.ledger.begun()
    }

    /// What was counted since then and has been removed from the maps, by kind.
    #[must_use]
    pub fn settled(&self) -> PerKind {
        self.ledger.settled()
    }
}

impl CountSource for KernelCounts {
    fn read(&mut self, reading: &mut Reading) -> io::Result<()> {
        reading.clear();
        let Self { ledger, slots, counts, edges, hits, losses, programs } = self;
        let read = counts.read(|key, value| reading.counts.push((key, value + slots.count(ledger, key, value))))?;
        reading.maps.push(slots.usage());
        reading.maps.push(read);
        reading.maps.push(edges.read(|key, value| reading.edges.push((key, value)))?);
        if let Some(hits) = hits {
            let read = hits.read(reading)?;
            reading.maps.push(read);
        }
        losses.read(|index, value| {
            let (cause, kind) = (index as usize / Kind::COUNT, index as usize % Kind::COUNT);
            if let (Some(cause), Some(kind)) = (Loss::ALL.get(cause), Kind::ALL.get(kind))
                && value > 0
            {
                reading.losses.push(((*cause, *kind), value));
            }
        })?;
        for (kind, program) in programs {
            reading.skipped.push((*kind, sys::program_info(program.as_fd())?.recursion_misses));
        }
        Ok(())
    }

    fn remove_count(&mut self, key: CountKey, is_counted: bool) -> io::Result<Option<u64>> {
        let Self { ledger, slots, counts, hits, .. } = self;
        let kind = key.kind().filter(|_| is_counted);
        // A detail that stands for values is in no other map.
        if let Some(hits) =
            hits.as_mut().filter(|_| key.kind() == Some(Kind::Tracepoint) && key.detail() >= TRACEPOINTS)
        {
            return hits.remove(key, |delete| ledger.remove(kind, None, delete, |_| 0));
        }
        let slot = slots.position(key);
        ledger.remove(kind, slot, |values| counts.remove(key, values), |position| slots.release(ledger, position))
    }

    fn remove_edge(&mut self, key: EdgeKey, target_stays: bool) -> io::Result<Option<LastEdge>> {
        let Self { ledger, edges, .. } = self;
        if target_stays { edges.hand_on(ledger, key) } else { edges.remove(ledger, key) }
    }
}

/// A map whose values are one word for each CPU.
#[derive(Debug)]
pub(super) struct BatchReader<K> {
    name: &'static str,
    map: MapData,
    capacity: usize,
    cpus: usize,
    keys: Vec<K>,
    values: Vec<u64>,
}

impl<K: Key> BatchReader<K> {
    pub(super) fn new(name: &'static str, map: MapData, cpus: usize) -> Result<Self, LoadError> {
        let capacity = map.info().map_err(|error| LoadError::Map(name, error))?.max_entries() as usize;
        let entries =
            (BATCH_BYTES / (8 * cpus)).clamp(*BATCH_ENTRIES.start(), *BATCH_ENTRIES.end()).min(capacity.max(64));
        let mut reader = Self { name, map, capacity, cpus, keys: Vec::new(), values: Vec::new() };
        reader.resize(entries);
        Ok(reader)
    }

    fn resize(&mut self, entries: usize) {
        self.keys.resize(entries, K::ZERO);
        self.values.resize(entries * self.cpus, 0);
    }

    fn fd(&self) -> BorrowedFd<'_> {
        self.map.fd().as_fd()
    }

    /// Reads every entry once. Entries that come or go meanwhile may or may not be among them; all others are.
    ///
    /// The kernel walks bucket by bucket and hands out whole buckets (`__htab_map_lookup_and_delete_batch`,
    /// kernel/bpf/hashtab.c), so an entry is never handed out twice.
    pub(super) fn read(&mut self, mut take: impl FnMut(K, u64)) -> io::Result<MapRead> {
        let begin = Instant::now();
        let (mut from, mut keys, mut syscalls) = (None, 0, 0);
        loop {
            syscalls += 1;
            let map = self.map.fd().as_fd();
            let batch = match sys::lookup_batch(map, from, &mut self.keys, &mut self.values, self.cpus) {
                Ok(batch) => batch,
                // The next bucket alone has more entries than there is room for.
                Err(error) if error.raw_os_error() == Some(libc::ENOSPC) => {
                    self.resize(self.keys.len() * 2);
                    continue;
                }
                Err(error) => return Err(error),
            };
            for (key, values) in self.keys.iter().zip(self.values.chunks_exact(self.cpus)).take(batch.count) {
                take(*key, values.iter().sum());
            }
            keys += batch.count;
            from = batch.next;
            if from.is_none() {
                break;
            }
        }
        Ok(MapRead { map: self.name, keys, capacity: self.capacity, syscalls, duration: begin.elapsed() })
    }

    /// Removes an entry and writes its last values. Says whether it was there.
    pub(super) fn remove(&self, key: K, values: &[AtomicU64]) -> io::Result<bool> {
        sys::lookup_and_delete(self.fd(), &key, values, self.cpus)
    }
}
