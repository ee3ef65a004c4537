//! `struct kernel_siginfo` (include/linux/signal_types.h).

use core::ffi::c_void;

use doubleslit_common::probes::signal;

use super::field::{self, SIGINFO_CODE};

/// `SEND_SIG_NOINFO` (include/linux/sched/signal.h): no information, sent by the current process.
const NO_INFO: usize = 0;
/// `SEND_SIG_PRIV`: no information, sent by the kernel.
const PRIVILEGED: usize = 1;

/// Whether the current process, and not the kernel, sends the signal with this information.
///
/// # Safety
///
/// The argument is the `struct kernel_siginfo *` of `signal_generate`, or one of the two small numbers in its place.
#[inline(always)]
pub unsafe fn sent_by_current(info: *const c_void) -> bool {
    if info.addr() > PRIVILEGED {
        // SAFETY: not one of the two numbers, so it is a typed pointer.
        signal::sent_by_process(unsafe { field::load(info, &SIGINFO_CODE) })
    } else {
        info.addr() == NO_INFO
    }
}
