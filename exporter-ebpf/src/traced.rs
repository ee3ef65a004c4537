//! What traces want. No rule is tested for them: each trace has rules of its own, and userspace knows them.

use aya_ebpf::{bindings::BPF_F_NO_PREALLOC, macros::map, maps::HashMap};
use doubleslit_common::{
    kind::Kind,
    traced::{ANYBODY, TracedKey},
};

use crate::atomic;

/// What is wanted of whom, and how many of these events found no room in the ring. Userspace writes the keys, and sets the
/// capacity.
#[map]
static TRACED: HashMap<TracedKey, u64> = HashMap::with_max_entries(1, BPF_F_NO_PREALLOC);

/// Whether a trace wants events of this kind from their owner, or from anybody.
#[inline(always)]
pub fn is_wanted(kind: Kind, cgroup: u64) -> bool {
    TRACED.get_ptr(key(kind, cgroup)).is_some() || TRACED.get_ptr(key(kind, ANYBODY)).is_some()
}

/// Counts an event that found no room in the ring for those who want it.
#[inline(always)]
pub fn lose(kind: Kind, cgroup: u64) {
    count(kind, ANYBODY);
    if cgroup != ANYBODY {
        count(kind, cgroup);
    }
}

#[inline(always)]
fn count(kind: Kind, cgroup: u64) {
    if let Some(lost) = TRACED.get_ptr_mut(key(kind, cgroup)) {
        // SAFETY: the map lookup returned an element. All CPUs change it atomically only.
        unsafe { atomic::add(lost, 1) };
    }
}

#[inline(always)]
fn key(kind: Kind, cgroup: u64) -> TracedKey {
    TracedKey { cgroup, kind: kind as u32, detail: 0 }
}
