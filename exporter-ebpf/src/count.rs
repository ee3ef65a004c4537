//! Exact counting: per-CPU counters for every owner, kind and detail, and a place for what finds none.
//!
//! A kind is counted by one program only, and the kernel never runs a program twice at once on a CPU. So a counter has one
//! writer at a time and needs no atomic addition. Of lost events the same holds for each detail, which is the kind that is lost.

use aya_ebpf::{
    bindings::{BPF_F_MMAPABLE, BPF_NOEXIST},
    helpers::bpf_get_smp_processor_id,
    macros::map,
    maps::{Array, PerCpuArray, PerCpuHashMap},
};
use doubleslit_common::{
    key::{CountKey, EdgeKey},
    kind::Kind,
    loss::Loss,
    probes::{
        signal::Sender,
        tracepoint::{HitKey, SPLITS},
    },
    slot::{self, Slot},
};

use crate::atomic;

/// Errors of `bpf_map_update_elem` (include/uapi/asm-generic/errno-base.h).
const E2BIG: i32 = -7;
const EEXIST: i32 = -17;

/// Counters of the keys to which userspace gave a slot, one CPU after the other. Userspace sets the capacity.
#[map]
static SLOTS: Array<Slot> = Array::with_max_entries(1, BPF_F_MMAPABLE);

/// Counts by owner, kind and detail. Userspace sets the capacity.
#[map]
static COUNTS: PerCpuHashMap<CountKey, u64> = PerCpuHashMap::with_max_entries(1, 0);

/// Generated signals by target and sender, where these differ. Userspace sets the capacity.
#[map]
static EDGES: PerCpuHashMap<EdgeKey, u64> = PerCpuHashMap::with_max_entries(1, 0);

/// Hits of tracepoints that are split by values of their fields. Userspace sets the capacity.
#[map]
static HITS: PerCpuHashMap<HitKey, u64> = PerCpuHashMap::with_max_entries(1, 0);

/// What could not be stored where it belongs, by kind and cause, see [`Loss::index`].
#[map]
static LOSS: PerCpuArray<u64> = PerCpuArray::with_max_entries(Loss::INDICES, 0);

/// Counts `increment` events of a kind for a cgroup. What finds no place is in `LOSS`, by kind.
#[inline(always)]
pub fn add(cgroup: u64, kind: Kind, detail: u32, increment: u64) {
    let Some(key) = CountKey::new(cgroup, kind, detail) else {
        return lose(kind, Loss::CountsRefused, increment);
    };
    if raise_slot(key, increment) {
        return;
    }
    match raise(&COUNTS, &key, increment) {
        Raised::Yes => {}
        Raised::Full => lose(kind, Loss::CountsFull, increment),
        Raised::Refused => lose(kind, Loss::CountsRefused, increment),
    }
}

/// Counts a signal between cgroups for its target and its sender; without the sender where `EDGES` has no place.
#[inline(always)]
pub fn add_edge(target: u64, sender: u64, detail: u32) {
    let Some(key) = CountKey::new(target, Kind::SignalGenerate, detail) else {
        return lose(Kind::SignalGenerate, Loss::CountsRefused, 1);
    };
    let cause = match raise(&EDGES, &EdgeKey { target: key, sender }, 1) {
        Raised::Yes => return,
        Raised::Full => Loss::EdgesFull,
        Raised::Refused => Loss::EdgesRefused,
    };
    lose(Kind::SignalGenerate, cause, 1);
    add(target, Kind::SignalGenerate, Sender::Unknown.mark(detail), 1);
}

/// Counts a hit of a tracepoint with these values; without them where `HITS` has no place.
#[inline(always)]
pub fn add_hit(cgroup: u64, tracepoint: u32, values: [u64; SPLITS]) {
    let Some(owner) = CountKey::new(cgroup, Kind::Tracepoint, tracepoint) else {
        return lose(Kind::Tracepoint, Loss::CountsRefused, 1);
    };
    let cause = match raise(&HITS, &HitKey { owner, values }, 1) {
        Raised::Yes => return,
        Raised::Full => Loss::HitsFull,
        Raised::Refused => Loss::HitsRefused,
    };
    lose(Kind::Tracepoint, cause, 1);
    add(cgroup, Kind::Tracepoint, tracepoint, 1);
}

/// Counts what could not be stored where it belongs.
#[inline(always)]
pub fn lose(kind: Kind, cause: Loss, increment: u64) {
    if let Some(counter) = LOSS.get_ptr_mut(cause.index(kind)) {
        // SAFETY: the pointer is this CPU's element of the array. Those who lose events may interrupt each other.
        unsafe { atomic::add(counter, increment) };
    }
}

/// Adds to a key's slot, if it has one.
#[inline(always)]
fn raise_slot(key: CountKey, increment: u64) -> bool {
    // SAFETY: the helper has no preconditions.
    let cpu = unsafe { bpf_get_smp_processor_id() };
    let Some(slot) = SLOTS.get_ptr_mut(slot::position(key) + cpu * slot::PER_CPU) else {
        return false;
    };
    // SAFETY: the map lookup returned an element of this CPU. Userspace writes the key, as one word; the count of a slot with
    // this key is written by nobody else (see the module's documentation).
    unsafe {
        if (&raw const (*slot).key).read_volatile() != key.bits() {
            return false;
        }
        (*slot).count += increment;
    }
    true
}

enum Raised {
    Yes,
    Full,
    Refused,
}

/// Adds to the counter of a key, which is created when it is not there yet.
#[inline(always)]
fn raise<K>(map: &PerCpuHashMap<K, u64>, key: &K, increment: u64) -> Raised {
    if raise_present(map, key, increment) {
        return Raised::Yes;
    }
    match map.insert(key, increment, u64::from(BPF_NOEXIST)) {
        Ok(()) => Raised::Yes,
        // Another CPU was faster.
        Err(EEXIST) if raise_present(map, key, increment) => Raised::Yes,
        Err(E2BIG) => Raised::Full,
        Err(_) => Raised::Refused,
    }
}

#[inline(always)]
fn raise_present<K>(map: &PerCpuHashMap<K, u64>, key: &K, increment: u64) -> bool {
    let Some(counter) = map.get_ptr_mut(key) else {
        return false;
    };
    // SAFETY: the map lookup returned this CPU's counter, which stays allocated, and nobody else writes to it (see the
    // module's documentation). Userspace removes an entry only when no event of its cgroup is to be expected.
    unsafe { *counter += increment };
    true
}
