//! Tracepoints that the configuration names. One program is attached to all of them; the kernel tells it to which one by the
//! number that userspace gave when it attached it.

use core::ffi::c_void;

use aya_ebpf::{helpers::generated::bpf_get_attach_cookie, macros::map, maps::Array};
use doubleslit_common::{kind::Kind, probes::tracepoint::Splits};

use crate::{
    count,
    kernel::{cgroup, record::TracepointRecord},
};

/// What the program returns. With 0 the kernel would keep the hit from everybody who has the tracepoint open by
/// perf_event_open (`perf_trace_run_bpf_submit`, kernel/events/core.c).
const PASS: u32 = 1;

/// By what hits are split, by the tracepoint's number. Userspace sets the capacity and writes it.
#[map]
static SPLITS: Array<Splits> = Array::with_max_entries(1, 0);

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
