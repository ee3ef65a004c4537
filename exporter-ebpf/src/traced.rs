//! What traces want. No rule is tested for them: each trace has rules of its own, and userspace knows them.

use aya_ebpf::{
    Global,
    bindings::BPF_F_NO_PREALLOC,
    macros::map,
    maps::{Array, HashMap},
};
use doubleslit_common::{
    kind::Kind,
    probes::syscall::CALLS,
    traced::{
        ALL_OF_SOME, ANYBODY, NOTED, NOTED_OF_ANYBODY, OF_ANYBODY, OF_SOME, OWNER_WORDS, TracedKey, WHOLE, owner_bit,
    },
};

use crate::atomic;

/// What is wanted of whom, and how many of these events found no room in the ring. Userspace writes the keys, and sets the
/// capacity.
#[map]
static TRACED: HashMap<TracedKey, u64> = HashMap::with_max_entries(1, BPF_F_NO_PREALLOC);

/// Of each system call, whether anybody has to be asked. Userspace writes it, behind `TRACED`.
#[map]
static TRACED_CALLS: Array<u32> = Array::with_max_entries(CALLS as u32, 0);

/// Whose calls may be wanted, or may have been, see [`owner_bit`]. Userspace writes it, in front of `TRACED`.
#[map]
static TRACED_OWNERS: Array<u64> = Array::with_max_entries(OWNER_WORDS, 0);

/// 1 if traces decide which system calls are sent.
#[unsafe(no_mangle)]
static CALLS_ARE_TRACED: Global<u32> = Global::new(0);

/// What happened: something of a kind.
#[derive(Clone, Copy)]
pub struct What {
    pub kind: Kind,
    /// Which of the kind, see [`TracedKey`].
    pub detail: u32,
}

impl From<Kind> for What {
    #[inline(always)]
    fn from(kind: Kind) -> Self {
        Self { kind, detail: WHOLE }
    }
}

/// Whether a trace wants this of its owner, or of anybody.
#[inline(always)]
pub fn is_wanted(what: What, cgroup: u64) -> bool {
    match what.kind {
        Kind::Syscall => is_call_wanted(what.detail, || cgroup),
        _ => is_asked_for(what, cgroup) || is_asked_for(what, ANYBODY),
    }
}

/// Whether traces decide which calls are sent.
#[inline(always)]
pub fn are_calls() -> bool {
    CALLS_ARE_TRACED.load() != 0
}

/// Whether a call of its owner may return as this one that somebody wants, or whose beginning was noted. The owner is asked for
/// only if it matters.
#[inline(always)]
pub fn concerns_call(call: u32, owner: impl FnOnce() -> u64) -> bool {
    let bits = call_bits(call);
    bits & NOTED_OF_ANYBODY != 0 || bits & NOTED != 0 && may_own(owner())
}

/// Whether a trace wants a call of its owner, who is asked for only if it matters, or of anybody.
#[inline(always)]
pub fn is_call_wanted(call: u32, owner: impl FnOnce() -> u64) -> bool {
    let bits = call_bits(call);
    if bits & OF_ANYBODY != 0 {
        return true;
    }
    if bits & (OF_SOME | ALL_OF_SOME) == 0 {
        return false;
    }
    let cgroup = owner();
    may_own(cgroup)
        && (bits & OF_SOME != 0 && is_asked_for(What { kind: Kind::Syscall, detail: call }, cgroup)
            || bits & ALL_OF_SOME != 0 && is_asked_for(Kind::Syscall.into(), cgroup))
}

/// Counts an event that found no room in the ring for those who want it.
#[inline(always)]
pub fn lose(what: What, cgroup: u64) {
    lose_for(what, cgroup);
    if what.detail != WHOLE {
        lose_for(what.kind.into(), cgroup);
    }
}

#[inline(always)]
fn lose_for(what: What, cgroup: u64) {
    count(what, ANYBODY);
    if cgroup != ANYBODY {
        count(what, cgroup);
    }
}

#[inline(always)]
fn count(what: What, cgroup: u64) {
    if let Some(lost) = TRACED.get_ptr_mut(key(what, cgroup)) {
        // SAFETY: the map lookup returned an element. All CPUs change it atomically only.
        unsafe { atomic::add(lost, 1) };
    }
}

#[inline(always)]
fn is_asked_for(what: What, cgroup: u64) -> bool {
    TRACED.get_ptr(key(what, cgroup)).is_some()
}

/// Whether a trace can want calls of this owner.
#[inline(always)]
fn may_own(cgroup: u64) -> bool {
    let (word, bit) = owner_bit(cgroup);
    let Some(word) = TRACED_OWNERS.get_ptr(word) else { return false };
    // SAFETY: the map lookup returned an element. Userspace may write it at any time, a word at once.
    unsafe { word.read_volatile() & bit != 0 }
}

#[inline(always)]
fn call_bits(call: u32) -> u32 {
    let Some(bits) = TRACED_CALLS.get_ptr(call) else { return 0 };
    // SAFETY: the map lookup returned an element. Userspace may write it at any time, a word at once.
    unsafe { bits.read_volatile() }
}

#[inline(always)]
fn key(What { kind, detail }: What, cgroup: u64) -> TracedKey {
    TracedKey { cgroup, kind: kind as u32, detail }
}
