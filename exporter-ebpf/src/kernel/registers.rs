//! `struct pt_regs` (arch/*/include/asm/ptrace.h): the registers with which a task came into the kernel.

use core::ffi::c_void;

use doubleslit_common::layout::ABSENT;

use super::field::{self, PT_REGS_ORIG_AX, PT_REGS_SYSCALLNO};

/// Registers that the verifier knows: an argument of a BTF tracepoint.
#[derive(Clone, Copy)]
pub struct Registers(*const c_void);

impl Registers {
    /// The registers behind a tracepoint's argument.
    ///
    /// # Safety
    ///
    /// The argument is a `struct pt_regs *` and never null.
    #[inline(always)]
    pub unsafe fn new(argument: *const c_void) -> Self {
        Self(argument)
    }

    /// The number of the system call, as `syscall_get_nr` (arch/*/include/asm/syscall.h) tells it.
    #[inline(always)]
    pub fn syscall(self) -> i32 {
        // SAFETY: see `new`; only x86 has no `syscallno`.
        unsafe {
            if PT_REGS_SYSCALLNO.load() != ABSENT {
                field::load(self.0, &PT_REGS_SYSCALLNO)
            } else {
                field::load::<u64>(self.0, &PT_REGS_ORIG_AX) as i32
            }
        }
    }
}
