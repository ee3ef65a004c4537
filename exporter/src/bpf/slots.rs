//! The slots of the map `SLOTS`: which key has which, and what they counted for it.
#![expect(unsafe_code, reason = "the map is memory that the kernel shares")]

use std::{
    ffi::c_void,
    io,
    mem::size_of,
    os::fd::AsFd,
    ptr::{self, NonNull},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use doubleslit_common::{
    key::CountKey,
    slot::{self, PER_CPU, Slot},
};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

use crate::counts::snapshot::MapRead;

/// How much a key must have counted to be worth a slot. What happens once in a while shall not take the place of a storm.
const WORTH: u64 = 64;

/// The map's memory, and who has what of it.
#[derive(Debug)]
pub(super) struct Slots {
    memory: Memory,
    /// By position.
    tenants: Vec<Option<Tenant>>,
    taken: usize,
}

/// A key that has a slot, and what the slot had counted for others before.
#[derive(Clone, Copy, Debug)]
struct Tenant {
    key: CountKey,
    before: u64,
}

impl Slots {
    /// The slots of a map with [`PER_CPU`] elements for each of the possible `cpus`.
    ///
    /// # Errors
    ///
    /// When the map cannot be mapped into memory.
    pub(super) fn map(map: impl AsFd, cpus: usize) -> io::Result<Self> {
        Ok(Self { memory: Memory::map(map, cpus)?, tenants: vec![None; PER_CPU as usize], taken: 0 })
    }

    /// How many keys have a slot. The memory is shared, so that reading takes no call.
    pub(super) fn usage(&self) -> MapRead {
        MapRead { map: "slots", keys: self.taken, capacity: PER_CPU as usize, syscalls: 0, duration: Duration::ZERO }
    }

    /// What a key's slot has counted. A key without a slot, which has counted `elsewhere`, gets one if it is worth it and
    /// the slot is free.
    pub(super) fn count(&mut self, key: CountKey, elsewhere: u64) -> u64 {
        let position = slot::position(key) as usize;
        match self.tenants[position] {
            Some(tenant) if tenant.key == key => self.memory.sum(position) - tenant.before,
            None if elsewhere >= WORTH => {
                self.tenants[position] = Some(Tenant { key, before: self.memory.sum(position) });
                self.taken += 1;
                self.memory.assign(position, key.bits());
                0
            }
            _ => 0,
        }
    }

    /// Takes a key's slot away and returns what it has counted. Events of the key that follow count elsewhere.
    pub(super) fn take(&mut self, key: CountKey) -> u64 {
        let position = slot::position(key) as usize;
        let Some(tenant) = self.tenants[position].take_if(|tenant| tenant.key == key) else {
            return 0;
        };
        self.taken -= 1;
        self.memory.assign(position, 0);
        self.memory.sum(position) - tenant.before
    }
}

/// A [`Slot`] as both sides access it: word by word.
#[repr(C)]
#[derive(Debug)]
struct Words {
    key: AtomicU64,
    count: AtomicU64,
}

const _: () = assert!(size_of::<Words>() == size_of::<Slot>(), "the kernel's layout");

/// The slots of all CPUs, one CPU after the other.
#[derive(Debug)]
struct Memory {
    start: NonNull<Words>,
    cpus: usize,
}

// SAFETY: the mapping belongs to the process, and all access to it is atomic.
unsafe impl Send for Memory {}

impl Memory {
    fn map(map: impl AsFd, cpus: usize) -> io::Result<Self> {
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping, at an address that the kernel chooses.
        let start = unsafe { mmap(ptr::null_mut(), bytes(cpus), protection, MapFlags::SHARED, map, 0) }?;
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { start, cpus })
    }

    /// The slots at a position, one for each CPU.
    fn slots(&self, position: usize) -> impl Iterator<Item = &Words> {
        assert!(position < PER_CPU as usize, "a position among the slots of one CPU");
        // SAFETY: the mapping has this many slots for each CPU and lives as long as `self`. Any bits are valid, and the kernel
        // too accesses whole words.
        (0..self.cpus).map(move |cpu| unsafe { self.start.add(cpu * PER_CPU as usize + position).as_ref() })
    }

    fn sum(&self, position: usize) -> u64 {
        self.slots(position).map(|slot| slot.count.load(Ordering::Relaxed)).sum()
    }

    fn assign(&self, position: usize, key: u64) {
        self.slots(position).for_each(|slot| slot.key.store(key, Ordering::Relaxed));
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: the mapping was made with this size, and no reference to it outlives `self`. Nothing else can go wrong.
        let _ = unsafe { munmap(self.start.as_ptr().cast::<c_void>(), bytes(self.cpus)) };
    }
}

fn bytes(cpus: usize) -> usize {
    PER_CPU as usize * cpus * size_of::<Slot>()
}

#[cfg(test)]
mod tests {
    use doubleslit_common::kind::Kind;
    use rustix::fs::{MemfdFlags, ftruncate, memfd_create};

    use super::*;

    const CPUS: usize = 3;

    /// Slots and, as the kernel would see them, the same memory once more.
    fn slots() -> (Slots, Memory) {
        let file = memfd_create("slots", MemfdFlags::CLOEXEC).expect("a file in memory");
        ftruncate(&file, bytes(CPUS) as u64).expect("it can grow");
        (Slots::map(&file, CPUS).expect("it can be mapped"), Memory::map(&file, CPUS).expect("it can be mapped"))
    }

    fn key(cgroup: u64, detail: u32) -> CountKey {
        CountKey::new(cgroup, Kind::SignalDeliver, detail).expect("small")
    }

    /// Counts as the kernel would: in the slot, if it is the key's. Says whether it was.
    fn happens(kernel: &Memory, key: CountKey, cpu: usize) -> bool {
        let slot = kernel.slots(slot::position(key) as usize).nth(cpu).expect("a CPU");
        let is_its = slot.key.load(Ordering::Relaxed) == key.bits();
        slot.count.fetch_add(u64::from(is_its), Ordering::Relaxed);
        is_its
    }

    /// Two keys that want the same slot.
    fn rivals() -> (CountKey, CountKey) {
        let one = key(7, 0);
        let other = (8..).map(|cgroup| key(cgroup, 0)).find(|other| slot::position(*other) == slot::position(one));
        (one, other.expect("there are more cgroups than slots"))
    }

    #[test]
    fn a_key_that_counts_a_lot_gets_a_slot() {
        let (mut slots, kernel) = slots();
        let key = key(7, 9);
        assert_eq!((slots.count(key, WORTH - 1), slots.taken), (0, 0));
        assert!(!happens(&kernel, key, 0), "it has no slot yet");
        assert_eq!((slots.count(key, WORTH), slots.taken), (0, 1));
        assert!((0..CPUS).all(|cpu| happens(&kernel, key, cpu)), "it has a slot on every CPU");
        assert_eq!((slots.count(key, WORTH), slots.taken), (CPUS as u64, 1));
    }

    #[test]
    fn a_slot_that_is_taken_stays_with_its_key() {
        let (mut slots, kernel) = slots();
        let (one, other) = rivals();
        slots.count(one, WORTH);
        assert_eq!(slots.count(other, 1000), 0);
        assert!(happens(&kernel, one, 1) && !happens(&kernel, other, 1));
        assert_eq!((slots.count(one, WORTH), slots.count(other, 1001), slots.taken), (1, 0, 1));
    }

    #[test]
    fn the_next_key_starts_from_zero() {
        let (mut slots, kernel) = slots();
        let (one, other) = rivals();
        slots.count(one, WORTH);
        assert!(happens(&kernel, one, 0) && happens(&kernel, one, 2));
        assert_eq!(slots.take(other), 0, "it has none");
        assert_eq!((slots.take(one), slots.take(one), slots.taken), (2, 0, 0));
        assert!(!happens(&kernel, one, 0), "it has no slot any more");

        slots.count(other, WORTH);
        assert!(happens(&kernel, other, 0));
        assert_eq!((slots.count(other, WORTH), slots.count(one, WORTH)), (1, 0));
    }
}
