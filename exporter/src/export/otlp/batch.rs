//! A request in the making.

use std::{collections::BTreeMap, time::Instant};

use prost::{Message as _, bytes::Bytes};

use super::{
    messages::{Request, resourced},
    record::Record,
};

/// Bytes from which on a request is complete. Collectors refuse requests of more than 4 MiB unless told otherwise.
pub(super) const REQUEST_BYTES: usize = 2 << 20;

/// What surrounds a record on the wire, at most.
const RECORD_FRAME: usize = 8;
/// What surrounds the records of a resource, at most: the scope, and the address of the conventions twice.
const RESOURCE_FRAME: usize = 256;

/// Records that wait to become a request.
#[derive(Debug, Default)]
pub(super) struct Batch {
    groups: BTreeMap<Bytes, Vec<Bytes>>,
    records: u64,
    bytes: usize,
    begun: Option<Instant>,
}

impl Batch {
    /// How many records there are.
    pub(super) fn records(&self) -> u64 {
        self.records
    }

    /// The size of the request, at most.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// When the first record came; nothing when there is none.
    pub(super) fn begun(&self) -> Option<Instant> {
        self.begun
    }

    /// By how much a record makes the request larger, at most.
    pub(super) fn growth(&self, record: &Record) -> usize {
        let is_new = !self.groups.contains_key(&record.resource);
        let of_resource = if is_new { record.resource.len() + RESOURCE_FRAME } else { 0 };
        record.body.len() + RECORD_FRAME + of_resource
    }

    /// Adds a record.
    pub(super) fn add(&mut self, record: Record, now: Instant) {
        self.bytes += self.growth(&record);
        self.records += 1;
        self.begun.get_or_insert(now);
        self.groups.entry(record.resource).or_default().push(record.body);
    }

    /// The request. Nothing is left.
    pub(super) fn seal(&mut self) -> Bytes {
        let groups = std::mem::take(self).groups;
        let resourced = groups.into_iter().map(|(resource, records)| resourced(resource, records)).collect();
        Request { resourced }.encode_to_vec().into()
    }
}
