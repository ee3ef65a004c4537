//! Slots: the short way for keys that count a lot.
//!
//! The map `COUNTS` takes every key, but finds it by a call and half a dozen cache lines, which are cold when a process starts
//! or ends. A slot is a counter at a place that follows from its key alone. Userspace gives a key a slot once it counts a lot;
//! the kernel only compares the slot's key with the event's. What finds no slot counts in `COUNTS`, so a key's count is the
//! sum of both.

use crate::{key::CountKey, wire::wire};

/// The slots of one CPU: 128 KiB.
pub const PER_CPU: u32 = 8192;

/// How far apart the first slots of two cgroups are at least: one cache line.
const GROUP: u32 = 4;

/// How far apart a kind's details are. Not a multiple of anything that details are made of.
const STRIDE: u32 = 5;

const _: () = assert!(PER_CPU.is_power_of_two() && PER_CPU > GROUP, "bits select slots");

/// A counter of one CPU: the value of the map `SLOTS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Slot {
    /// Whose counter it is, by [`CountKey::bits`]; 0 for nobody's: no event has this key, every execution has a cgroup.
    pub key: u64,
    /// Events counted here since the map was made, for all keys that the slot has had. Never falls.
    pub count: u64,
}

wire!(Slot { key: u64, count: u64 });

/// The position of a key among the slots of a CPU.
///
/// The kinds of a process's life are the first ones, so that one cache line has what a process needs that is forked, executes
/// and ends with success.
#[inline(always)]
#[must_use]
pub const fn position(key: CountKey) -> u32 {
    // Fibonacci hashing: cgroup ids come in steps, the upper bits of their product do not.
    let cgroup = (key.cgroup().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as u32;
    let event = (key.kind_number() as u32).wrapping_add(key.detail().wrapping_mul(STRIDE));
    cgroup.wrapping_mul(GROUP).wrapping_add(event) & (PER_CPU - 1)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::kind::Kind;

    fn slot(cgroup: u64, kind: Kind, detail: u32) -> u32 {
        position(CountKey::new(cgroup, kind, detail).expect("small"))
    }

    #[test]
    fn a_process_s_life_is_one_cache_line() {
        for cgroup in [1, 77, 123_456_789] {
            let life = [Kind::Exec, Kind::Fork, Kind::Thread, Kind::Exit].map(|kind| slot(cgroup, kind, 0));
            assert_eq!(life.map(|slot| slot / GROUP), [life[0] / GROUP; 4]);
            assert_eq!(HashSet::from(life).len(), 4);
        }
    }

    /// Cgroups have ids in steps: every directory comes with some dozens of files, each with an id of its own.
    #[test]
    fn cgroups_are_spread() {
        for step in [1, 31, 32, 64, 70, 1024] {
            let taken: HashSet<_> = (0..200).map(|n| slot(4000 + n * step, Kind::Exec, 0)).collect();
            assert!(taken.len() > 180, "{} places for 200 cgroups in steps of {step}", taken.len());
        }
    }
}
