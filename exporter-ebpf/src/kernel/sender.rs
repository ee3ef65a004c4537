//! Who sends a signal.

use aya_ebpf::helpers::{
    bpf_get_current_comm, bpf_get_current_pid_tgid, bpf_get_current_uid_gid, generated::bpf_probe_read_kernel_str,
};
use doubleslit_common::probes::signal::{EXECUTABLE_BYTES, SendingProcess};

use super::{cgroup, task::Task};

/// Writes what there is to tell of the task that runs, as the sender of a signal.
///
/// # Safety
///
/// `place` is valid for writes.
#[inline(always)]
pub unsafe fn describe_current(place: *mut SendingProcess) {
    let ids = bpf_get_current_pid_tgid();
    let name = Task::current().memory().executable_name();
    // SAFETY: the caller vouches for `place`. The helper checks where it reads, and fills the place with 0 if it cannot.
    unsafe {
        (*place).cgroup = cgroup::current_id();
        (*place).pid = (ids >> 32) as u32;
        (*place).tid = ids as u32;
        (*place).real_uid = bpf_get_current_uid_gid() as u32;
        (*place).is_kernel = 0;
        (*place).comm = bpf_get_current_comm().unwrap_or_default();
        let executable = (&raw mut (*place).executable).cast();
        bpf_probe_read_kernel_str(executable, EXECUTABLE_BYTES as u32, name.cast());
    }
}

/// Writes that the kernel is the sender.
///
/// # Safety
///
/// `place` is valid for writes.
#[inline(always)]
pub unsafe fn describe_kernel(place: *mut SendingProcess) {
    // SAFETY: the caller vouches for `place`.
    unsafe {
        place.write_bytes(0, 1);
        (*place).is_kernel = 1;
    }
}
