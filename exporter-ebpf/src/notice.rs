//! Notices of a cgroup's life, for userspace.

use core::mem;

use aya_ebpf::{
    helpers::{bpf_ktime_get_boot_ns, bpf_probe_read_kernel_str_bytes, generated::bpf_ringbuf_output},
    macros::map,
    maps::{PerCpuArray, RingBuf},
};
use doubleslit_common::{
    kind::Kind,
    limits::NOTICE_RING_BYTES,
    loss::Loss,
    notice::{Change, Notice, Told},
};

use crate::count;

/// The way of the notices. Cgroups come and go rarely, so the reader is woken for each. When it is full, userspace walks
/// cgroupfs.
#[map]
static NOTICES: RingBuf = RingBuf::with_byte_size(NOTICE_RING_BYTES, 0);

/// A notice while it is put together, which is too large for the stack: one for each change, because a program of another one
/// may come between.
#[map]
static NOTICE_DRAFTS: PerCpuArray<Told> = PerCpuArray::with_max_entries(Change::COUNT, 0);

/// Tells userspace what happened to a cgroup, and where that is. One that was not running when the cgroup was created learns
/// its path when it goes.
#[inline(always)]
pub fn tell(cgroup: u64, change: Change, path: *const u8) {
    // No element is missing.
    let Some(draft) = NOTICE_DRAFTS.get_ptr_mut(change as u32) else { return };
    // SAFETY: `draft` is this CPU's element of the map, used by one program alone. The helper checks the source, and says how many
    // bytes of the path there are; only these are sent.
    let result = unsafe {
        let text = bpf_probe_read_kernel_str_bytes(path, &mut (*draft).path);
        let path_bytes = text.map_or(0, |text| text.len());
        let boot_ns = bpf_ktime_get_boot_ns();
        (*draft).notice = Notice { cgroup, boot_ns, change: change as u32, path_bytes: path_bytes as u32 };
        let ring = (&raw const NOTICES).cast_mut().cast();
        bpf_ringbuf_output(ring, draft.cast(), (mem::size_of::<Notice>() + path_bytes) as u64, 0)
    };
    if result != 0 {
        // Programs that share a counter run for processes, and their tracepoints disable preemption.
        let kind = if matches!(change, Change::Created) { Kind::ContainerStart } else { Kind::ContainerStop };
        count::lose(kind, Loss::NoticesFull, 1);
    }
}
