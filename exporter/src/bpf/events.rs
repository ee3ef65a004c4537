//! The ring of events, and what is let into it.

use std::{
    collections::BTreeMap,
    io,
    os::fd::{AsFd, BorrowedFd},
    sync::Arc,
};

use aya::maps::{MapData, MapError, RingBuf};
use doubleslit_common::{
    event::{Gate, Stage},
    kind::Kind,
};

use super::{object::LoadError, source::BatchReader};
use crate::{
    events::source::RecordSource, filter::kernel::KernelFilter, probes::syscall::Calls, tracepoints::traced::Traced,
};

/// What is sent as single events.
#[derive(Clone, Debug)]
pub struct EventSettings {
    /// What passes, by kind, before the rules of the filter are added; a kind that is not here is not looked at.
    pub gates: BTreeMap<Kind, Gate>,
    /// The rules that the kernel tests.
    pub filter: KernelFilter,
    /// Bytes of the ring: a power of two and a multiple of the page size.
    pub ring_bytes: u32,
    /// Bytes of arguments of an execution, at most; 0 for none.
    pub arguments: u32,
    /// Whether executions come with their working directory.
    pub working_directory: bool,
    /// The tracepoints whose hits are sent, if their kind is; a hit has the number of its place.
    pub tracepoints: Arc<[Arc<Traced>]>,
    /// The system calls that are sent.
    pub calls: Calls,
}

impl EventSettings {
    /// From how many waiting bytes on the reader is woken early.
    pub(super) const fn watermark(&self) -> u32 {
        self.ring_bytes / 4
    }
}

/// The ring.
pub struct EventRing(RingBuf<MapData>);

impl EventRing {
    pub(super) fn new(map: aya::maps::Map) -> Result<Self, MapError> {
        Ok(Self(RingBuf::try_from(map)?))
    }
}

impl RecordSource for EventRing {
    fn drain(&mut self, limit: usize, take: &mut dyn FnMut(&[u8])) -> usize {
        let mut count = 0;
        while count < limit
            && let Some(record) = self.0.next()
        {
            take(&record);
            count += 1;
        }
        count
    }
}

impl AsFd for EventRing {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl std::fmt::Debug for EventRing {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("EventRing").finish_non_exhaustive()
    }
}

/// What became of events in the kernel, by kind and stage.
#[derive(Debug)]
pub struct Stages(BatchReader<u32>);

impl Stages {
    pub(super) fn new(map: MapData, cpus: usize) -> Result<Self, LoadError> {
        BatchReader::new("event_stages", map, cpus).map(Self)
    }

    /// Reads all of them; what is 0 is left out.
    ///
    /// # Errors
    ///
    /// When the map cannot be read.
    pub fn read(&mut self) -> io::Result<BTreeMap<(Kind, Stage), u64>> {
        let mut stages = BTreeMap::new();
        self.0.read(|index, value| {
            let (kind, stage) = (index as usize / Stage::ALL.len(), index as usize % Stage::ALL.len());
            if let (Some(kind), Some(stage)) = (Kind::ALL.get(kind), Stage::ALL.get(stage))
                && value > 0
            {
                stages.insert((*kind, *stage), value);
            }
        })?;
        Ok(stages)
    }
}
