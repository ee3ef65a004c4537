//! What came to the reader, in numbers.

use std::sync::atomic::{AtomicU64, Ordering};

use doubleslit_common::kind::Kind;

use super::decode::DecodeError;

/// What came to the reader, in numbers.
#[derive(Debug, Default)]
pub struct Received {
    kinds: [OfKind; Kind::COUNT],
    /// Records of no known kind.
    unknown: AtomicU64,
    waiting_bytes: AtomicU64,
}

#[derive(Debug, Default)]
struct OfKind {
    understood: AtomicU64,
    unwanted: AtomicU64,
    malformed: AtomicU64,
}

impl Received {
    /// Events of a kind that came and were understood.
    #[must_use]
    pub fn of(&self, kind: Kind) -> u64 {
        self.kinds[kind as usize].understood.load(Ordering::Relaxed)
    }

    /// Those of them that nobody wants.
    #[must_use]
    pub fn unwanted(&self, kind: Kind) -> u64 {
        self.kinds[kind as usize].unwanted.load(Ordering::Relaxed)
    }

    /// Records of a kind that were not understood.
    #[must_use]
    pub fn malformed(&self, kind: Kind) -> u64 {
        self.kinds[kind as usize].malformed.load(Ordering::Relaxed)
    }

    /// Records of which not even the kind was understood.
    #[must_use]
    pub fn unknown(&self) -> u64 {
        self.unknown.load(Ordering::Relaxed)
    }

    /// Bytes that waited in the ring when it was last read.
    #[must_use]
    pub fn waiting_bytes(&self) -> u64 {
        self.waiting_bytes.load(Ordering::Relaxed)
    }

    pub(super) fn understood(&self, kind: Kind) {
        self.kinds[kind as usize].understood.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn kept_back(&self, kind: Kind) {
        self.kinds[kind as usize].unwanted.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn failed(&self, error: DecodeError) {
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == error.kind());
        kind.map_or(&self.unknown, |kind| &self.kinds[kind as usize].malformed).fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn waited(&self, bytes: u64) {
        self.waiting_bytes.store(bytes, Ordering::Relaxed);
    }
}
