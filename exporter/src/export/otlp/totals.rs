//! What became of records, in numbers that always add up.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Why a record was never sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// The queue had no room.
    QueueFull,
    /// Events came faster than they could be taken.
    Missed,
    /// The exporter ended.
    Shutdown,
    /// The queue's directory could not be written or read.
    Disk,
}

impl Dropped {
    /// Every reason.
    pub const ALL: [Self; 4] = [Self::QueueFull, Self::Missed, Self::Shutdown, Self::Disk];

    /// The value of the label `reason`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::Missed => "missed",
            Self::Shutdown => "shutdown",
            Self::Disk => "disk",
        }
    }
}

/// What became of log records. What was accepted is, at any time, in exactly one of the other numbers of records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Events to be sent, and records found in the queue's directory.
    pub accepted: u64,
    /// Acknowledged.
    pub exported: u64,
    /// Refused one by one, in an acknowledged request.
    pub rejected: u64,
    /// In requests that were given up.
    pub failed: u64,
    /// Never sent, by reason.
    pub dropped: [u64; Dropped::ALL.len()],
    /// In the queue, or under way.
    pub queued: u64,
    /// Bytes that the queue holds.
    pub queue_bytes: usize,
    /// Bytes that the queue may hold.
    pub queue_capacity: usize,
    /// Requests.
    pub requests: Requests,
}

impl Totals {
    /// Counts records that are never sent.
    pub(super) fn drop_records(&mut self, reason: Dropped, count: u64) {
        self.dropped[reason as usize] += count;
    }
}

/// Requests that were sent, again or for the first time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// Acknowledged.
    pub succeeded: u64,
    /// Not.
    pub failed: u64,
    /// How long they took, all together.
    pub duration: Duration,
}

impl Requests {
    /// Counts one.
    pub(super) fn add(&mut self, succeeded: bool, duration: Duration) {
        *if succeeded { &mut self.succeeded } else { &mut self.failed } += 1;
        self.duration += duration;
    }
}

/// Requests that are counted by one and shown by another.
#[derive(Clone, Debug, Default)]
pub struct SharedRequests(Arc<Mutex<Requests>>);

impl SharedRequests {
    /// What was counted so far.
    #[must_use]
    pub fn get(&self) -> Requests {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request.
    pub(super) fn add(&self, succeeded: bool, duration: Duration) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).add(succeeded, duration);
    }
}
