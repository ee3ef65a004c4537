//! `struct pt_regs` (arch/*/include/asm/ptrace.h): the registers with which a task came into the kernel.

use core::ffi::c_void;

use doubleslit_common::{layout::ABSENT, probes::syscall_event::ARGUMENTS};

use super::field::{
    self, PT_REGS_BP, PT_REGS_BX, PT_REGS_CX, PT_REGS_DI, PT_REGS_DX, PT_REGS_ORIG_AX, PT_REGS_ORIG_X0, PT_REGS_R8,
    PT_REGS_R9, PT_REGS_R10, PT_REGS_REGS, PT_REGS_SI, PT_REGS_SYSCALLNO,
};

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

    /// The arguments of the system call, as `syscall_get_arguments` (arch/*/include/asm/syscall.h) tells them. They are still
    /// there when it returns, but for an execution or a return from a signal.
    #[inline(always)]
    pub fn arguments(self, is_compat: bool) -> [u64; ARGUMENTS] {
        // SAFETY: see `new`; only arm64 has numbered registers, of which the first is overwritten by the result.
        unsafe {
            if PT_REGS_REGS.load() != ABSENT {
                let numbered = |number: usize| {
                    let register = self.0.byte_add(PT_REGS_REGS.load() as usize + number * size_of::<u64>());
                    register.cast::<u64>().read_volatile()
                };
                let first = field::load(self.0, &PT_REGS_ORIG_X0);
                [first, numbered(1), numbered(2), numbered(3), numbered(4), numbered(5)]
            } else if is_compat {
                [&PT_REGS_BX, &PT_REGS_CX, &PT_REGS_DX, &PT_REGS_SI, &PT_REGS_DI, &PT_REGS_BP]
                    .map(|register| u64::from(field::load::<u64>(self.0, register) as u32))
            } else {
                [&PT_REGS_DI, &PT_REGS_SI, &PT_REGS_DX, &PT_REGS_R10, &PT_REGS_R8, &PT_REGS_R9]
                    .map(|register| field::load(self.0, register))
            }
        }
    }
}
