//! What is known of the maps and is not in them: what slots counted for others before, and what entries had that are gone.
//!
//! Where the maps are pinned, this is memory of a map that is pinned beside them, so that an exporter that was killed, between
//! whichever two instructions, is continued without an event lost or counted twice:
//!
//! * **A slot is given away** by writing first what it has counted, then the key, CPU by CPU. Killed before the first CPU's
//!   key is written, it is still free, and what was written is written anew with the next key. Killed later, some CPUs have the
//!   key; it is the key's slot, and the other CPUs are told at the next start. What was written stays right, because nobody counts
//!   in a free slot.
//! * **An entry leaves its map** as one step with the reading of its last values, because a system call that has begun ends
//!   before its process does. The kernel writes the values to this memory, which is always there. Before that the values are
//!   0, and it is written where they go ([`Ledger::settled`]) and what is there already. Then the slot is taken away, CPU by
//!   CPU, and the sum is written, which can be done again and again. Killed with values of 0, nothing has happened: an entry
//!   that is worth a word has counted something, and one that has not may be gone. Killed later, the rest is done at the next
//!   start.
//!
//! One thread writes.

use std::{
    io,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use doubleslit_common::{kind::Kind, slot::PER_CPU};

use super::shared::Shared;
use crate::counts::snapshot::PerKind;

/// The number of this layout. Another one takes nothing over.
pub(super) const LAYOUT: u32 = 1;

/// Places for numbers by kind; there are no more kinds in a key.
const KINDS: usize = 32;

const _: () = assert!(Kind::COUNT <= KINDS, "every kind has a place");

// Where the words are.
const BEGUN: usize = 0;
const SETTLED: usize = 1;
/// Where goes what nobody counts.
const NOWHERE: usize = KINDS;
/// The removal that is under way: where its values go and one more, or 0.
const TARGET: usize = SETTLED + KINDS + 1;
/// What was there before.
const BASE: usize = TARGET + 1;
/// The position of the slot that goes too and one more, or 0.
const SLOT: usize = BASE + 1;
const BEFORE: usize = SLOT + 1;
const VALUES: usize = BEFORE + PER_CPU as usize;

/// How many words there are, where there are so many possible CPUs.
pub(super) const fn words(cpus: usize) -> usize {
    VALUES + cpus
}

/// The words.
#[derive(Debug)]
pub(super) struct Ledger(Shared);

impl Ledger {
    /// Those in this memory, of which there are [`words`]. What is still all zeros begins now.
    pub(super) fn new(memory: Shared) -> Self {
        let ledger = Self(memory);
        if ledger.get(BEGUN) == 0 {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            ledger.set(BEGUN, u64::try_from(now.as_nanos()).unwrap_or(u64::MAX));
        }
        ledger
    }

    /// Since when the maps count.
    pub(super) fn begun(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_nanos(self.get(BEGUN))
    }

    /// What entries had that are gone, by kind.
    pub(super) fn settled(&self) -> PerKind {
        let mut settled = PerKind::default();
        Kind::ALL.into_iter().for_each(|kind| settled.add(kind, self.get(SETTLED + kind as usize)));
        settled
    }

    /// What a slot had counted when it was given to the key that has it.
    pub(super) fn before(&self, position: usize) -> u64 {
        self.get(BEFORE + position)
    }

    /// Writes it.
    pub(super) fn set_before(&self, position: usize, count: u64) {
        self.set(BEFORE + position, count);
    }

    /// Removes an entry: `delete` writes its last values to the words that it gets, and says whether it was there. Its slot
    /// is at `slot`, if it has one, and `release` takes it away and says what it counted. The sum is added to what was settled
    /// of a kind, if of one, and returned.
    ///
    /// # Errors
    ///
    /// That of `delete`. Nothing has happened then.
    pub(super) fn remove(
        &self,
        kind: Option<Kind>,
        slot: Option<usize>,
        delete: impl FnOnce(&[AtomicU64]) -> io::Result<bool>,
        release: impl FnOnce(usize) -> u64,
    ) -> io::Result<Option<u64>> {
        let place = kind.map_or(NOWHERE, |kind| kind as usize);
        (VALUES..self.0.len()).for_each(|word| self.set(word, 0));
        self.set(BASE, self.get(SETTLED + place));
        self.set(SLOT, slot.map_or(0, |position| position as u64 + 1));
        self.set(TARGET, place as u64 + 1);
        let deleted = delete(self.values());
        let sum = if matches!(deleted, Ok(true)) { Some(self.complete(release)) } else { None };
        self.set(TARGET, 0);
        deleted.map(|_| sum)
    }

    /// Does what is left of a removal during which the process ended, if there is one.
    pub(super) fn recover(&self, release: impl FnOnce(usize) -> u64) {
        if self.get(TARGET) == 0 {
            return;
        }
        if self.sum() > 0 {
            self.complete(release);
        }
        self.set(TARGET, 0);
    }

    /// Adds what the entry that is gone and its slot had to where it goes, however often this is done.
    fn complete(&self, release: impl FnOnce(usize) -> u64) -> u64 {
        let in_slot = self.get(SLOT).checked_sub(1).map_or(0, |position| release(position as usize));
        let sum = self.sum() + in_slot;
        // A place beyond the others is nobody's doing but damage.
        let place = (self.get(TARGET).saturating_sub(1) as usize).min(NOWHERE);
        self.set(SETTLED + place, self.get(BASE) + sum);
        sum
    }

    fn sum(&self) -> u64 {
        self.values().iter().map(|value| value.load(Ordering::Acquire)).sum()
    }

    fn values(&self) -> &[AtomicU64] {
        &self.0[VALUES..]
    }

    fn get(&self, word: usize) -> u64 {
        self.0[word].load(Ordering::Acquire)
    }

    fn set(&self, word: usize, value: u64) {
        self.0.set(word, value);
    }
}
