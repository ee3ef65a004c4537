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
    notice::{Change, Notice},
};

use crate::count;

/// The way of the notices. Cgroups come and go rarely, so the reader is woken for each.
#[map]
static NOTICES: RingBuf = RingBuf::with_byte_size(NOTICE_RING_BYTES, 0);

/// Tells userspace what happened to a cgroup. A full ring is counted, and userspace then walks cgroupfs.
#[inline(always)]
pub fn submit(cgroup: u64, change: Change, path: *const u8) {
    let Some(mut entry) = NOTICES.reserve::<Notice>(0) else {
        return count::lose(Kind::ContainerStart, Loss::NoticesFull, 1);
    };
    let notice = entry.as_mut_ptr();
    // SAFETY: `notice` points to a reserved record of this type. Every field is written before it is submitted; of the
    // path only as many bytes are meant as `path_bytes` says. The helper checks the source.
    unsafe {
        (*notice).cgroup = cgroup;
        (*notice).boot_ns = bpf_ktime_get_boot_ns();
        (*notice).change = change as u32;
        let text = bpf_probe_read_kernel_str_bytes(path, &mut (*notice).path);
        (*notice).path_bytes = text.map_or(0, |text| text.len() as u32);
    }
    entry.submit(0);
}
