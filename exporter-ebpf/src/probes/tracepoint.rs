//! Tracepoints that the configuration names. One program is attached to all of them; the kernel tells it to which one by the
//! number that userspace gave when it attached it.

use core::{ffi::c_void, mem};

use aya_ebpf::{
    helpers::generated::bpf_get_attach_cookie,
    macros::map,
    maps::{Array, PerCpuArray},
};
use doubleslit_common::{
    filter::Facts,
    kind::Kind,
    probes::tracepoint::{Extent, Hit, ID_SHIFT, RECORD_BYTES, Splits, TEXT_BYTES, TEXTS},
};

use crate::{
    count, event,
    kernel::{cgroup, process, record::TracepointRecord, task::Task},
    traced::What,
};

/// What the program returns. With 0 the kernel would keep the hit from everybody who has the tracepoint open by
/// perf_event_open (`perf_trace_run_bpf_submit`, kernel/events/core.c).
const PASS: u32 = 1;

/// By what hits are split, by the tracepoint's number. Userspace sets the capacity and writes it.
#[map]
static SPLITS: Array<Splits> = Array::with_max_entries(1, 0);

/// What is sent of hits, by the tracepoint's number among those that are sent. Userspace sets the capacity and writes it.
#[map]
static EXTENTS: Array<Extent> = Array::with_max_entries(1, 0);

/// A record while it is put together: too large for the stack.
#[repr(C)]
struct Draft {
    hit: Hit,
    rest: [u8; RECORD_BYTES + TEXTS * TEXT_BYTES],
}

#[map]
static TRACEPOINT_DRAFT: PerCpuArray<Draft> = PerCpuArray::with_max_entries(1, 0);

/// Any tracepoint. Whose task is running has the hit, whatever the tracepoint is about.
///
/// It is written out because the macro of aya for such programs has them all return 0.
#[unsafe(no_mangle)]
#[unsafe(link_section = "tracepoint")]
extern "C" fn tracepoint_hit(context: *mut c_void) -> u32 {
    // SAFETY: the context is that of this program.
    let number = unsafe { bpf_get_attach_cookie(context) } as u32;
    let Some(splits) = SPLITS.get(number) else { return PASS };
    let cgroup = cgroup::current_id();
    let [first, ..] = splits.places;
    if first.bytes == 0 {
        count::add(cgroup, Kind::Tracepoint, number, 1);
    } else {
        let record = TracepointRecord::new(context);
        count::add_hit(cgroup, number, splits.places.map(|place| record.number(place)));
    }
    PASS
}

/// The same, for those who want to know what a hit told. It is attached to no tracepoint but those whose hits are wanted.
#[unsafe(no_mangle)]
#[unsafe(link_section = "tracepoint")]
extern "C" fn tracepoint_event(context: *mut c_void) -> u32 {
    // SAFETY: the context is that of this program.
    let cookie = unsafe { bpf_get_attach_cookie(context) };
    let (number, id) = (cookie as u32, (cookie >> ID_SHIFT) as u32);
    if let Some(extent) = EXTENTS.get(number) {
        send(TracepointRecord::new(context), number, id, extent);
    }
    PASS
}

/// Sends what a hit told, and who was running.
#[inline(always)]
fn send(record: TracepointRecord, number: u32, id: u32, extent: &Extent) {
    let what = What { kind: Kind::Tracepoint, detail: id };
    let task = Task::current();
    let facts = Facts { uid: Some(task.uid()), ..Facts::NONE };
    let Some(header) = event::admit(what, cgroup::current_id(), &facts) else { return };
    let Some(draft) = TRACEPOINT_DRAFT.get_ptr_mut(0) else { return };
    // SAFETY: `draft` is this CPU's element of the map, used by this program alone. Its rest has room for a record and the texts
    // one behind the other, none of which is longer than its share; only what was written is sent.
    unsafe {
        let hit = &raw mut (*draft).hit;
        (*hit).header = header;
        process::describe(task, &raw mut (*hit).process);
        (*hit).tracepoint = number;
        let rest = (&raw mut (*draft).rest).cast::<u8>();
        let mut length = record.copy(rest, record.length(extent));
        (*hit).record_bytes = length as u32;
        for (text, offset) in extent.texts.into_iter().enumerate() {
            let read = if offset == 0 { 0 } else { record.text(offset, rest.add(length)) };
            (*hit).texts[text] = read as u32;
            length += read;
        }
        event::send_copy(what, header.cgroup, draft.cast(), mem::size_of::<Hit>() + length);
    }
}
