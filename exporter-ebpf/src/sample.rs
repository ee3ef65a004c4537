//! Sends some of the events that pass, and says how many each of them stands for.

use aya_ebpf::{bindings::BPF_NOEXIST, macros::map, maps::LruHashMap};
use doubleslit_common::{
    event::{Gate, Stage},
    kind::Kind,
    sample::{RateKey, Second},
};

use crate::{atomic, event};

/// How many events each owner had lately, by owner and kind. The owners that had none for longest make room.
#[map]
static RATES: LruHashMap<RateKey, u64> = LruHashMap::with_max_entries(16384, 0);

/// Whether an event is in the sample, and how many it stands for.
#[inline(always)]
pub fn weigh(gate: &Gate, kind: Kind, cgroup: u64, now_ns: u64) -> Option<u32> {
    if gate.per_second > 0 {
        return within_rate(gate.per_second, RateKey { cgroup, kind: kind as u32, reserved: 0 }, now_ns);
    }
    let one_in = gate.one_in.max(1);
    let is_sent = one_in == 1 || {
        let passed = event::count(kind, Stage::Generated) - event::count(kind, Stage::Filtered);
        passed.is_multiple_of(u64::from(one_in))
    };
    is_sent.then_some(one_in)
}

/// Whether an event is within its owner's rate. The first of a second stands for those too that were beyond the rate before.
#[inline(always)]
fn within_rate(per_second: u32, key: RateKey, now_ns: u64) -> Option<u32> {
    let first = Second::first(now_ns);
    let Some(word) = RATES.get_ptr_mut(key) else {
        // Another CPU may have been first, or the map has no room: then this event is sent on top of the rate.
        let _ = RATES.insert(key, first.0, u64::from(BPF_NOEXIST));
        return Some(1);
    };
    // SAFETY: the map lookup returned an element. All CPUs change it atomically only.
    unsafe {
        let seen = word.read_volatile();
        if !Second(seen).is_current(first) && atomic::replace(word, seen, first.0) {
            return Some(1 + Second(seen).beyond(per_second));
        }
        Second(atomic::add(word, 1)).admits(per_second).then_some(1)
    }
}
