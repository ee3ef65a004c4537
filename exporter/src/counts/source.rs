//! Where counts come from: the seam between the maps and what becomes of them.

use std::{io, os::fd::AsFd};

use doubleslit_common::{
    key::{CountKey, EdgeKey},
    kind::Kind,
    loss::Loss,
    notice::NoticeView,
};

use super::snapshot::MapRead;

/// Something that has counts to read.
pub trait CountSource: Send {
    /// Reads everything, without changing it. On an error the reading is incomplete.
    ///
    /// # Errors
    ///
    /// When the source cannot be read.
    fn read(&mut self, reading: &mut Reading) -> io::Result<()>;

    /// Removes a count and returns its last value; nothing when it was not there. `is_counted` is whether it counts for the
    /// totals, which a source that outlives the exporter remembers.
    ///
    /// # Errors
    ///
    /// When the source refuses.
    fn remove_count(&mut self, key: CountKey, is_counted: bool) -> io::Result<Option<u64>>;

    /// Removes an edge and returns its last value; nothing when it was not there. Where its target stays, another one gets the value,
    /// so that whoever reads the source anew finds it: the edge of all senders that are gone.
    ///
    /// # Errors
    ///
    /// When the source refuses.
    fn remove_edge(&mut self, key: EdgeKey, target_stays: bool) -> io::Result<Option<LastEdge>>;
}

/// What is left of an edge that was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastEdge {
    /// Its last value.
    pub value: u64,
    /// What the edge has that got this value, if there was a place for it.
    pub gone: Option<u64>,
}

/// Something that tells of the life of cgroups. It can be polled for reading.
pub trait NoticeSource: AsFd + Send {
    /// Hands waiting notices to `take`, a bounded number at once. Returns how many could not be understood.
    fn drain(&mut self, take: &mut dyn FnMut(NoticeView<'_>)) -> u64;
}

/// What was read: values only ever grow from one reading to the next.
#[derive(Debug, Default)]
pub struct Reading {
    /// Counts.
    pub counts: Vec<(CountKey, u64)>,
    /// Generated signals by target and sender.
    pub edges: Vec<(EdgeKey, u64)>,
    /// Events of which the kernel skipped the program: their owners are not known.
    pub skipped: Vec<(Kind, u64)>,
    /// What could not be stored where it belongs.
    pub losses: Vec<((Loss, Kind), u64)>,
    /// What it cost.
    pub maps: Vec<MapRead>,
}

impl Reading {
    /// Forgets everything, but keeps the room.
    pub fn clear(&mut self) {
        let Self { counts, edges, skipped, losses, maps } = self;
        counts.clear();
        edges.clear();
        skipped.clear();
        losses.clear();
        maps.clear();
    }
}
