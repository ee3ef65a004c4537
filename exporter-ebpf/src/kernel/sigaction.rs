//! `struct k_sigaction` (include/linux/signal_types.h): what a process does about a signal.

use core::ffi::c_void;

use super::field::{self, SIGACTION_FLAGS, SIGACTION_HANDLER};

/// An action that the verifier knows: an argument of a BTF tracepoint.
#[derive(Clone, Copy)]
pub struct Sigaction(*const c_void);

impl Sigaction {
    /// The action behind a tracepoint's argument.
    ///
    /// # Safety
    ///
    /// The argument is a `struct k_sigaction *` and never null.
    #[inline(always)]
    pub unsafe fn new(argument: *const c_void) -> Self {
        Self(argument)
    }

    /// The address of the handler; 0 for the default action (`SIG_DFL`).
    #[inline(always)]
    pub fn handler(self) -> u64 {
        // SAFETY: see `new`.
        unsafe { field::load(self.0, &SIGACTION_HANDLER) }
    }

    /// `SA_*` flags.
    #[inline(always)]
    pub fn flags(self) -> u64 {
        // SAFETY: see `new`.
        unsafe { field::load(self.0, &SIGACTION_FLAGS) }
    }
}
