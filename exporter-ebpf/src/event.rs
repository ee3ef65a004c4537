//! Single events for userspace, for those who listen.
//!
//! The programs that send them are others than those that count: they are attached only while somebody listens, and nothing
//! that happens to a record touches a count of another kind than [`Kind::EventLost`]. A kind is sent by one program only, or
//! by two of which none interrupts the other, and the kernel never runs a program twice at once on a CPU, so each counter of a
//! stage has one writer.

use core::{ffi::c_void, mem};

use aya_ebpf::{
    Global,
    bindings::{BPF_RB_AVAIL_DATA, BPF_RB_FORCE_WAKEUP, BPF_RB_NO_WAKEUP},
    helpers::{bpf_get_smp_processor_id, bpf_ktime_get_boot_ns, generated::bpf_ringbuf_output},
    macros::map,
    maps::{Array, PerCpuArray, RingBuf},
};
use doubleslit_common::{
    event::{Gate, Header, Stage},
    filter::Facts,
    kind::Kind,
    traced::LISTENER,
};

use crate::{
    count, filter, sample,
    traced::{self, What},
};

/// The way of the records. Userspace sets its size. Its reader has a clock and is woken early only when much is waiting.
#[map]
static EVENTS: RingBuf = RingBuf::with_byte_size(4096, 0);

/// What passes, by kind. Userspace writes it.
#[map]
static GATES: Array<Gate> = Array::with_max_entries(Kind::COUNT as u32, 0);

/// What became of events, see [`Stage::index`].
#[map]
static EVENT_STAGES: PerCpuArray<u64> = PerCpuArray::with_max_entries(Stage::INDICES, 0);

/// From how many waiting bytes on the reader is woken.
#[unsafe(no_mangle)]
static EVENT_WATERMARK: Global<u32> = Global::new(0);

/// How far beyond the watermark records still wake the reader: CPUs that send at once may step over it together.
const WAKING_BYTES: u64 = 4096;

/// Decides whether an event is sent, by what is known of it. Returns what its record begins with.
#[inline(always)]
pub fn admit(what: impl Into<What>, cgroup: u64, facts: &Facts) -> Option<Header> {
    let what = what.into();
    let kind = what.kind;
    let gate = GATES.get_ptr(kind as u32)?;
    // SAFETY: the map lookup returned an element. Userspace may write it at any time, a word at once.
    let gate = unsafe { gate.read_volatile() };
    if gate.listeners == 0 {
        return None;
    }
    pass(kind, Stage::Generated);
    let passes = if gate.listeners & LISTENER == 0 {
        filter::passes(&gate, kind, cgroup, facts)
    } else {
        traced::is_wanted(what, cgroup)
    };
    if !passes {
        pass(kind, Stage::Filtered);
        return None;
    }
    // SAFETY: the helpers have no preconditions.
    let (boot_ns, cpu) = unsafe { (bpf_ktime_get_boot_ns(), bpf_get_smp_processor_id()) };
    let Some(weight) = sample::weigh(&gate, kind, cgroup, boot_ns) else {
        pass(kind, Stage::SampledOut);
        return None;
    };
    Some(Header { boot_ns, cgroup, weight, listeners: gate.listeners, cpu, kind: kind as u32 })
}

/// Sends a record of fixed size, written in place by `fill`.
#[inline(always)]
pub fn send<T: 'static>(kind: Kind, cgroup: u64, fill: impl FnOnce(*mut T)) {
    const { assert!(mem::align_of::<T>() <= 8, "records in the ring begin at multiples of 8") };
    match EVENTS.reserve::<T>(0) {
        Some(mut entry) => {
            fill(entry.as_mut_ptr());
            entry.submit(wake(mem::size_of::<T>()));
            pass(kind, Stage::Sent);
        }
        None => lose(kind.into(), cgroup),
    }
}

/// Sends a record that was put together elsewhere.
///
/// # Safety
///
/// The record has so many bytes.
#[inline(always)]
pub unsafe fn send_copy(what: impl Into<What>, cgroup: u64, record: *mut c_void, bytes: usize) {
    let what = what.into();
    let ring = (&raw const EVENTS).cast_mut().cast();
    // SAFETY: the caller vouches for the record.
    if unsafe { bpf_ringbuf_output(ring, record, bytes as u64, wake(bytes)) } == 0 {
        pass(what.kind, Stage::Sent);
    } else {
        lose(what, cgroup);
    }
}

/// The flags with which a record of so many bytes is sent: whether the reader is woken. It is woken when the watermark is
/// reached, not by every record beyond it.
#[inline(always)]
fn wake(bytes: usize) -> u64 {
    let (waiting, watermark) = (EVENTS.query(u64::from(BPF_RB_AVAIL_DATA)), u64::from(EVENT_WATERMARK.load()));
    let is_time = waiting + bytes as u64 >= watermark && waiting < watermark + WAKING_BYTES;
    u64::from(if is_time { BPF_RB_FORCE_WAKEUP } else { BPF_RB_NO_WAKEUP })
}

/// Counts an event that found no room in the ring, for its owner too.
#[inline(always)]
fn lose(what: What, cgroup: u64) {
    pass(what.kind, Stage::RingFull);
    traced::lose(what, cgroup);
    count::add(cgroup, Kind::EventLost, what.kind as u32, 1);
}

/// Counts an event at a stage.
#[inline(always)]
fn pass(kind: Kind, stage: Stage) {
    let Some(counter) = EVENT_STAGES.get_ptr_mut(stage.index(kind)) else { return };
    // SAFETY: the pointer is this CPU's element of the array, and nobody else writes to it (see the module's documentation).
    unsafe { *counter += 1 };
}

/// How many events this CPU has counted at a stage.
#[inline(always)]
pub fn count(kind: Kind, stage: Stage) -> u64 {
    let Some(counter) = EVENT_STAGES.get_ptr(stage.index(kind)) else { return 0 };
    // SAFETY: see above.
    unsafe { *counter }
}
