//! Notices of a cgroup's life, for userspace.

use aya_ebpf::{
    helpers::{bpf_ktime_get_boot_ns, bpf_probe_read_kernel_str_bytes},
    macros::map,
    maps::RingBuf,
};
use doubleslit_common::{
    kind::Kind,
    limits::NOTICE_RING_BYTES,
    loss::Loss,
    notice::{Change, Creation, Notice},
};

use crate::count;

/// The way of the notices. Cgroups come and go rarely, so the reader is woken for each. When it is full, userspace walks
/// cgroupfs.
#[map]
static NOTICES: RingBuf = RingBuf::with_byte_size(NOTICE_RING_BYTES, 0);

/// Tells userspace that a cgroup was created, and where.
#[inline(always)]
pub fn created(cgroup: u64, path: *const u8) {
    let Some(mut entry) = NOTICES.reserve::<Creation>(0) else {
        return count::lose(Kind::ContainerStart, Loss::NoticesFull, 1);
    };
    let creation = entry.as_mut_ptr();
    // SAFETY: `creation` points to a reserved record of this type. Every field is written before it is submitted; of the
    // path only as many bytes are meant as `path_bytes` says. The helper checks the source.
    unsafe {
        let text = bpf_probe_read_kernel_str_bytes(path, &mut (*creation).path);
        let path_bytes = text.map_or(0, |text| text.len() as u32);
        (*creation).notice = notice(cgroup, Change::Created, path_bytes);
    }
    entry.submit(0);
}

/// Tells userspace what else happened to a cgroup.
#[inline(always)]
pub fn changed(cgroup: u64, change: Change) {
    let Some(mut entry) = NOTICES.reserve::<Notice>(0) else {
        // Two programs share this counter. Both run for processes, and their tracepoints disable preemption.
        return count::lose(Kind::ContainerStop, Loss::NoticesFull, 1);
    };
    entry.write(notice(cgroup, change, 0));
    entry.submit(0);
}

#[inline(always)]
fn notice(cgroup: u64, change: Change, path_bytes: u32) -> Notice {
    // SAFETY: the helper has no preconditions.
    Notice { cgroup, boot_ns: unsafe { bpf_ktime_get_boot_ns() }, change: change as u32, path_bytes }
}
