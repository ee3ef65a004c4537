//! The slots of the map `SLOTS`: which key has which, and what they counted for it.

use std::{io, mem::size_of, os::fd::AsFd, sync::atomic::Ordering, time::Duration};

use doubleslit_common::{
    key::CountKey,
    slot::{self, PER_CPU, Slot},
};

use super::{ledger::Ledger, shared::Shared};
use crate::counts::snapshot::MapRead;

/// How much a key must have counted to be worth a slot. What happens once in a while shall not take the place of a storm.
const WORTH: u64 = 64;

/// Words of a [`Slot`]: its key, then its count.
const WORDS: usize = 2;

const _: () = assert!(WORDS * size_of::<u64>() == size_of::<Slot>(), "the kernel's layout");

/// The map's memory, and who has what of it.
#[derive(Debug)]
pub(super) struct Slots {
    /// The slots of all CPUs, one CPU after the other.
    memory: Shared,
    /// The keys that have a slot, by position. What the slot had counted for others before is in the ledger.
    tenants: Vec<Option<CountKey>>,
    taken: usize,
}

impl Slots {
    /// The slots of a map with [`PER_CPU`] elements for each of the possible `cpus`. Keys that have one keep it.
    ///
    /// # Errors
    ///
    /// When the map cannot be mapped into memory.
    pub(super) fn map(map: impl AsFd, cpus: usize) -> io::Result<Self> {
        let memory = Shared::map(map, PER_CPU as usize * cpus * WORDS)?;
        let mut slots = Self { memory, tenants: vec![None; PER_CPU as usize], taken: 0 };
        for position in 0..slots.tenants.len() {
            // Some CPUs may not know of the key yet, see the ledger.
            let tenant = slots.keys(position).find(|key| *key != 0);
            if let Some(key) = tenant {
                slots.tenants[position] = Some(CountKey::from_bits(key));
                slots.taken += 1;
                slots.assign(position, key);
            }
        }
        Ok(slots)
    }

    /// How many keys have a slot. The memory is shared, so that reading takes no call.
    pub(super) fn usage(&self) -> MapRead {
        MapRead { map: "slots", keys: self.taken, capacity: PER_CPU as usize, syscalls: 0, duration: Duration::ZERO }
    }

    /// What a key's slot has counted. A key without a slot, which has counted `elsewhere`, gets one if it is worth it and
    /// the slot is free.
    pub(super) fn count(&mut self, ledger: &Ledger, key: CountKey, elsewhere: u64) -> u64 {
        let position = slot::position(key) as usize;
        match self.tenants[position] {
            Some(tenant) if tenant == key => self.counted(ledger, position),
            None if elsewhere >= WORTH => {
                self.tenants[position] = Some(key);
                self.taken += 1;
                ledger.set_before(position, self.sum(position));
                self.assign(position, key.bits());
                0
            }
            _ => 0,
        }
    }

    /// The position of a key's slot, if it has one.
    pub(super) fn position(&self, key: CountKey) -> Option<usize> {
        let position = slot::position(key) as usize;
        (self.tenants[position] == Some(key)).then_some(position)
    }

    /// Takes a slot away and returns what it has counted. Events of its key that follow count elsewhere.
    pub(super) fn release(&mut self, ledger: &Ledger, position: usize) -> u64 {
        if self.tenants[position].take().is_some() {
            self.taken -= 1;
        }
        self.assign(position, 0);
        self.counted(ledger, position)
    }

    /// What a slot has counted since it was given away.
    fn counted(&self, ledger: &Ledger, position: usize) -> u64 {
        self.sum(position) - ledger.before(position)
    }

    fn sum(&self, position: usize) -> u64 {
        self.words(position).map(|word| self.memory[word + 1].load(Ordering::Relaxed)).sum()
    }

    fn keys(&self, position: usize) -> impl Iterator<Item = u64> {
        self.words(position).map(|word| self.memory[word].load(Ordering::Relaxed))
    }

    fn assign(&self, position: usize, key: u64) {
        self.words(position).for_each(|word| self.memory.set(word, key));
    }

    /// Where the slots at a position begin, one for each CPU.
    fn words(&self, position: usize) -> impl Iterator<Item = usize> {
        assert!(position < self.tenants.len(), "a position among the slots of one CPU");
        let cpus = self.memory.len() / (self.tenants.len() * WORDS);
        (0..cpus).map(move |cpu| (cpu * PER_CPU as usize + position) * WORDS)
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, os::fd::OwnedFd, sync::atomic::AtomicU64};

    use doubleslit_common::{key::EdgeKey, kind::Kind};
    use rustix::fs::{MemfdFlags, ftruncate, memfd_create};

    use super::*;
    use crate::bpf::{ledger, shared::death};

    const CPUS: usize = 3;

    /// The memory that stays when an exporter ends.
    struct Kept {
        slots: OwnedFd,
        ledger: OwnedFd,
        /// As the kernel sees it.
        kernel: Slots,
    }

    impl Kept {
        fn new() -> Self {
            let file = |name, words: usize| {
                let file = memfd_create(name, MemfdFlags::CLOEXEC).expect("a file in memory");
                ftruncate(&file, (words * size_of::<u64>()) as u64).expect("it can grow");
                file
            };
            let slots = file("slots", PER_CPU as usize * CPUS * WORDS);
            let kernel = Slots::map(&slots, CPUS).expect("it can be mapped");
            Self { slots, ledger: file("ledger", ledger::words(CPUS)), kernel }
        }

        /// What an exporter that starts has of it.
        fn open(&self) -> (Slots, Ledger) {
            let mut slots = Slots::map(&self.slots, CPUS).expect("it can be mapped");
            let ledger = Ledger::new(Shared::map(&self.ledger, ledger::words(CPUS)).expect("it can be mapped"));
            let keep = |_: EdgeKey, _: u64| panic!("no edge is handed on here");
            ledger.recover(|position| slots.release(&ledger, position), keep);
            (slots, ledger)
        }

        /// Counts as the kernel would: in the slot, if it is the key's. Says whether it was.
        fn happens(&self, key: CountKey, cpu: usize) -> bool {
            let word = self.kernel.words(slot::position(key) as usize).nth(cpu).expect("a CPU");
            let is_its = self.kernel.memory[word].load(Ordering::Relaxed) == key.bits();
            self.kernel.memory[word + 1].fetch_add(u64::from(is_its), Ordering::Relaxed);
            is_its
        }
    }

    fn key(cgroup: u64, detail: u32) -> CountKey {
        CountKey::new(cgroup, Kind::SignalDeliver, detail).expect("small")
    }

    /// Two keys that want the same slot.
    fn rivals() -> (CountKey, CountKey) {
        let one = key(7, 0);
        let other = (8..).map(|cgroup| key(cgroup, 0)).find(|other| slot::position(*other) == slot::position(one));
        (one, other.expect("there are more cgroups than slots"))
    }

    #[test]
    fn a_key_that_counts_a_lot_gets_a_slot() {
        let kept = Kept::new();
        let (mut slots, ledger) = kept.open();
        let key = key(7, 9);
        assert_eq!((slots.count(&ledger, key, WORTH - 1), slots.taken), (0, 0));
        assert!(!kept.happens(key, 0), "it has no slot yet");
        assert_eq!((slots.count(&ledger, key, WORTH), slots.taken), (0, 1));
        assert!((0..CPUS).all(|cpu| kept.happens(key, cpu)), "it has a slot on every CPU");
        assert_eq!((slots.count(&ledger, key, WORTH), slots.taken), (CPUS as u64, 1));
    }

    #[test]
    fn a_slot_that_is_taken_stays_with_its_key() {
        let kept = Kept::new();
        let (mut slots, ledger) = kept.open();
        let (one, other) = rivals();
        slots.count(&ledger, one, WORTH);
        assert_eq!(slots.count(&ledger, other, 1000), 0);
        assert!(kept.happens(one, 1) && !kept.happens(other, 1));
        assert_eq!((slots.count(&ledger, one, WORTH), slots.count(&ledger, other, 1001), slots.taken), (1, 0, 1));
    }

    #[test]
    fn the_next_key_starts_from_zero() {
        let kept = Kept::new();
        let (mut slots, ledger) = kept.open();
        let (one, other) = rivals();
        slots.count(&ledger, one, WORTH);
        assert!(kept.happens(one, 0) && kept.happens(one, 2));
        assert_eq!(slots.position(other), None, "it has none");
        let position = slots.position(one).expect("it has one");
        assert_eq!((slots.release(&ledger, position), slots.position(one), slots.taken), (2, None, 0));
        assert!(!kept.happens(one, 0), "it has no slot any more");

        slots.count(&ledger, other, WORTH);
        assert!(kept.happens(other, 0));
        assert_eq!((slots.count(&ledger, other, WORTH), slots.count(&ledger, one, WORTH)), (1, 0));
    }

    #[test]
    fn who_comes_after_goes_on() {
        let kept = Kept::new();
        let (one, other) = rivals();
        for (round, key) in [one, one, other].into_iter().enumerate() {
            let (mut slots, ledger) = kept.open();
            assert_eq!(slots.count(&ledger, key, WORTH), round as u64 % 2);
            assert!(kept.happens(key, 1));
            if round == 1 {
                let position = slots.position(key).expect("it has one");
                assert_eq!(slots.release(&ledger, position), 2);
            }
        }
    }

    /// Removes the entry of a map, which has counted so much on one CPU.
    fn delete(entry: &Cell<Option<u64>>, values: &[AtomicU64]) -> io::Result<bool> {
        let Some(value) = entry.take() else { return Ok(false) };
        values[1].store(value, Ordering::Relaxed);
        Ok(true)
    }

    #[test]
    fn killed_wherever_it_may_be_nothing_is_lost_or_counted_twice() {
        const COUNTED: u64 = 70;
        for writes in 0.. {
            let (kept, key) = (Kept::new(), key(7, 0));
            let (entry, generated) = (Cell::new(Some(COUNTED)), Cell::new(COUNTED));
            let is_done = death::within(writes, || {
                let (mut slots, ledger) = kept.open();
                slots.count(&ledger, key, COUNTED);
                (0..CPUS).for_each(|cpu| generated.set(generated.get() + u64::from(kept.happens(key, cpu))));
                let position = slots.position(key);
                let delete = |values: &[AtomicU64]| delete(&entry, values);
                let sum = ledger.remove(key.kind(), position, delete, |position| slots.release(&ledger, position));
                assert_eq!(sum.expect("it cannot fail"), Some(generated.get()));
            });
            if !is_done {
                // Whoever comes after is killed, too.
                for writes in 0..8 {
                    death::within(writes, || drop(kept.open()));
                }
            }
            let (mut slots, ledger) = kept.open();
            let in_maps = entry.get().map_or(0, |value| value + slots.count(&ledger, key, value));
            let settled = ledger.settled().get(Kind::SignalDeliver);
            assert_eq!(settled + in_maps, generated.get(), "after {writes} writes");
            assert!(entry.get().is_some() || slots.position(key).is_none(), "what is settled has no slot");
            if is_done {
                // The slot's count and keys, the values, the removal's words, the keys again, the sum and the end.
                assert_eq!(writes, 1 + 1 + CPUS + CPUS + 4 + CPUS + 2);
                return;
            }
        }
    }
}
