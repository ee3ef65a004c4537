//! `struct linux_binprm` (include/linux/binfmts.h): an execution.

use core::ffi::c_void;

use super::field::{self, BINPRM_ARGC, BINPRM_FILENAME, BINPRM_INTERP};

/// An execution that the verifier knows: an argument of a BTF tracepoint.
#[derive(Clone, Copy)]
pub struct Binprm(*const c_void);

impl Binprm {
    /// The execution behind a tracepoint's argument.
    ///
    /// # Safety
    ///
    /// The argument is a `struct linux_binprm *` and never null.
    #[inline(always)]
    pub unsafe fn new(argument: *const c_void) -> Self {
        Self(argument)
    }

    /// The path of the file, as it was given.
    #[inline(always)]
    pub fn filename(self) -> *const u8 {
        // SAFETY: see `new`.
        unsafe { field::load(self.0, &BINPRM_FILENAME) }
    }

    /// The path of what was loaded for it: of a script its interpreter.
    #[inline(always)]
    pub fn interpreter(self) -> *const u8 {
        // SAFETY: see `new`.
        unsafe { field::load(self.0, &BINPRM_INTERP) }
    }

    /// How many arguments there are.
    #[inline(always)]
    pub fn arguments(self) -> u32 {
        // SAFETY: see `new`.
        unsafe { field::load(self.0, &BINPRM_ARGC) }
    }
}
