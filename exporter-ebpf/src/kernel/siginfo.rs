//! `struct kernel_siginfo` (include/linux/signal_types.h).

use core::ffi::c_void;

use doubleslit_common::probes::signal::{
    self,
    code::{SI_KERNEL, SI_USER},
};

use super::field::{self, SIGINFO_CODE, SIGINFO_ERRNO};

/// `SEND_SIG_NOINFO` (include/linux/sched/signal.h): no information, sent by the current process.
const NO_INFO: usize = 0;
/// `SEND_SIG_PRIV`: no information, sent by the kernel.
const PRIVILEGED: usize = 1;

/// A signal's information, or one of the two small numbers in its place.
#[derive(Clone, Copy)]
pub struct Siginfo(*const c_void);

impl Siginfo {
    /// The information behind a tracepoint's argument.
    ///
    /// # Safety
    ///
    /// The argument is the `struct kernel_siginfo *` of a signal's tracepoint, or one of the two small numbers in its place.
    #[inline(always)]
    pub unsafe fn new(argument: *const c_void) -> Self {
        Self(argument)
    }

    /// `si_code`; for signals without information what their receiver is told.
    #[inline(always)]
    pub fn code(self) -> i32 {
        match self.0.addr() {
            NO_INFO => SI_USER,
            PRIVILEGED => SI_KERNEL,
            // SAFETY: not one of the two numbers, so it is a typed pointer, see `new`.
            _ => unsafe { field::load(self.0, &SIGINFO_CODE) },
        }
    }

    /// `si_errno`.
    #[inline(always)]
    pub fn errno(self) -> i32 {
        if self.0.addr() <= PRIVILEGED {
            return 0;
        }
        // SAFETY: not one of the two numbers, so it is a typed pointer, see `new`.
        unsafe { field::load(self.0, &SIGINFO_ERRNO) }
    }

    /// Whether the current process, and not the kernel, sends the signal.
    #[inline(always)]
    pub fn sent_by_current(self) -> bool {
        signal::sent_by_process(self.code())
    }
}
