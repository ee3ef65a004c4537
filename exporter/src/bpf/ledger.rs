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
//! * **An edge is handed on** in the same way when its sender is gone and its target is not: the sum goes to the edge of all senders
//!   that are gone, which nobody else writes. What that had is written first, so that this, too, can be done again and again.
//!   Where it finds no place, it goes where entries go.
//!
//! One thread writes.

use std::{
    io,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use doubleslit_common::{
    key::{CountKey, EdgeKey},
    kind::Kind,
    slot::PER_CPU,
};

use super::shared::Shared;
use crate::counts::snapshot::PerKind;

/// The number of this layout. Another one takes nothing over.
pub(super) const LAYOUT: u32 = 2;

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
/// The target of the edge that is handed on, or 0, and what the edge that gets it had before.
const HEIR: usize = SLOT + 1;
const HELD: usize = HEIR + 1;
const BEFORE: usize = HELD + 1;
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
        self.set(SLOT, slot.map_or(0, |position| position as u64 + 1));
        self.set(HEIR, 0);
        self.take_out(kind, delete, || self.complete(release))
    }

    /// Removes an edge in the same way, whose target lives on: `keep` writes what the edge of all senders that are gone has then,
    /// which had `held`. Returns what the edge had, and what that other one has, if it could be written.
    ///
    /// # Errors
    ///
    /// That of `delete`. Nothing has happened then.
    pub(super) fn hand_on(
        &self,
        target: CountKey,
        held: u64,
        delete: impl FnOnce(&[AtomicU64]) -> io::Result<bool>,
        keep: impl FnOnce(EdgeKey, u64) -> io::Result<()>,
    ) -> io::Result<Option<(u64, Option<u64>)>> {
        self.set(SLOT, 0);
        self.set(HELD, held);
        self.set(HEIR, target.bits());
        self.take_out(Some(Kind::SignalGenerate), delete, || self.pass(keep))
    }

    /// Takes an entry out of its map, and does the rest by `complete` if it was there.
    fn take_out<T>(
        &self,
        kind: Option<Kind>,
        delete: impl FnOnce(&[AtomicU64]) -> io::Result<bool>,
        complete: impl FnOnce() -> T,
    ) -> io::Result<Option<T>> {
        let place = kind.map_or(NOWHERE, |kind| kind as usize);
        (VALUES..self.0.len()).for_each(|word| self.set(word, 0));
        self.set(BASE, self.get(SETTLED + place));
        self.set(TARGET, place as u64 + 1);
        let deleted = delete(self.values());
        let done = matches!(deleted, Ok(true)).then(complete);
        self.set(TARGET, 0);
        deleted.map(|_| done)
    }

    /// Does what is left of a removal during which the process ended, if there is one.
    pub(super) fn recover(
        &self,
        release: impl FnOnce(usize) -> u64,
        keep: impl FnOnce(EdgeKey, u64) -> io::Result<()>,
    ) {
        if self.get(TARGET) == 0 {
            return;
        }
        if self.sum() > 0 {
            if self.get(HEIR) > 0 {
                self.pass(keep);
            } else {
                self.complete(release);
            }
        }
        self.set(TARGET, 0);
    }

    /// Hands on what an edge had, however often this is done.
    fn pass(&self, keep: impl FnOnce(EdgeKey, u64) -> io::Result<()>) -> (u64, Option<u64>) {
        let (sum, heir) = (self.sum(), EdgeKey::of_gone(CountKey::from_bits(self.get(HEIR))));
        let held = self.get(HELD) + sum;
        if keep(heir, held).is_ok() {
            return (sum, Some(held));
        }
        self.set(HEIR, 0);
        (self.complete(|_| 0), None)
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::bpf::shared::death;

    const CPUS: usize = 3;

    /// An edge, the one that gets what it counted, and the memory: all that is there when an exporter has been killed.
    struct Kept {
        edge: Cell<Option<u64>>,
        heir: Cell<u64>,
        has_room: bool,
        ledger: Ledger,
    }

    impl Kept {
        fn new(has_room: bool) -> Self {
            let ledger = Ledger::new(Shared::alone(words(CPUS)).expect("there is memory"));
            Self { edge: Cell::new(Some(7)), heir: Cell::new(30), has_room, ledger }
        }

        fn delete(&self, values: &[AtomicU64]) -> io::Result<bool> {
            let Some(value) = self.edge.take() else { return Ok(false) };
            values[1].store(value, Ordering::Relaxed);
            Ok(true)
        }

        fn keep(&self, key: EdgeKey, count: u64) -> io::Result<()> {
            assert_eq!(key, EdgeKey::of_gone(target()));
            if self.has_room {
                self.heir.set(count);
                Ok(())
            } else {
                Err(io::ErrorKind::StorageFull.into())
            }
        }

        fn recover(&self) {
            self.ledger.recover(|_| panic!("there is no slot"), |key, count| self.keep(key, count));
        }
    }

    fn target() -> CountKey {
        CountKey::new(7, Kind::SignalGenerate, 15).expect("small")
    }

    #[test]
    fn killed_wherever_it_may_be_an_edge_is_handed_on_once() {
        for has_room in [true, false] {
            for writes in 0.. {
                let kept = Kept::new(has_room);
                let is_done = death::within(writes, || {
                    let (delete, keep) = (|values: &[_]| kept.delete(values), |key, count| kept.keep(key, count));
                    let handed = kept.ledger.hand_on(target(), kept.heir.get(), delete, keep);
                    assert_eq!(handed.expect("it cannot fail"), Some((7, has_room.then_some(37))));
                });
                // Whoever comes after is killed, too.
                for writes in 0..8 {
                    death::within(writes, || kept.recover());
                }
                kept.recover();
                let settled = kept.ledger.settled().get(Kind::SignalGenerate);
                assert_eq!(kept.heir.get() + settled + kept.edge.get().unwrap_or(0), 37, "after {writes} writes");
                if is_done {
                    assert_eq!((kept.heir.get(), settled), if has_room { (37, 0) } else { (30, 7) });
                    // What is written before, the values, where they go, and the end; without room what is settled.
                    assert_eq!(writes, 3 + CPUS + 2 + 1 + if has_room { 0 } else { 2 });
                    break;
                }
            }
        }
    }
}
