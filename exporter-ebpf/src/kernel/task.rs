//! `struct task_struct` (include/linux/sched.h) and what hangs on it.

use core::ffi::c_void;

use aya_ebpf::helpers::bpf_get_current_task_btf;
use doubleslit_common::layout::ABSENT;

use super::{
    cgroup::Cgroup,
    field::{
        self, CRED_EUID, CSS_SET_DFL_CGRP, SIGNAL_FLAGS, SIGNAL_GROUP_EXIT_CODE, SIGNAL_OOM_MM, SIGNAL_OOM_SCORE_ADJ,
        TASK_CGROUPS, TASK_COMPAT_FLAGS, TASK_COMPAT_STATUS, TASK_CRED, TASK_EXIT_CODE, TASK_GROUP_LEADER, TASK_MM,
        TASK_PID, TASK_SIGNAL, TASK_TGID,
    },
    memory::Memory,
};

/// `SIGNAL_GROUP_EXIT` (include/linux/sched/signal.h): the group has one exit code for all of its threads.
const SIGNAL_GROUP_EXIT: u32 = 4;

/// `TS_COMPAT` of x86-64 (arch/x86/include/asm/thread_info.h): a 32-bit system call is under way.
const TS_COMPAT: u32 = 2;

/// `TIF_32BIT` of arm64 (arch/arm64/include/asm/thread_info.h): the process is a 32-bit one.
const TIF_32BIT: u64 = 1 << 22;

/// A task that the verifier knows: an argument of a BTF tracepoint, or the one that runs.
#[derive(Clone, Copy)]
pub struct Task(*const c_void);

impl Task {
    /// The task behind a tracepoint's argument.
    ///
    /// # Safety
    ///
    /// The argument is a `struct task_struct *` and never null.
    #[inline(always)]
    pub unsafe fn new(argument: *const c_void) -> Self {
        Self(argument)
    }

    /// The pointer, which the verifier knows.
    #[inline(always)]
    pub fn pointer(self) -> *const c_void {
        self.0
    }

    /// The task that runs.
    #[inline(always)]
    pub fn current() -> Self {
        // SAFETY: the helper has no preconditions.
        Self(unsafe { bpf_get_current_task_btf() }.cast())
    }

    /// Its process's memory.
    #[inline(always)]
    pub fn memory(self) -> Memory {
        // SAFETY: the memory is a typed pointer loaded from the task, see `new`.
        unsafe { Memory::new(field::load(self.0, &TASK_MM)) }
    }

    /// The id of its cgroup in the v2 hierarchy.
    #[inline(always)]
    pub fn cgroup_id(self) -> u64 {
        // SAFETY: each pointer is loaded, typed, from the one before; the first is the task, see `new`.
        unsafe { Cgroup(field::load(field::load(self.0, &TASK_CGROUPS), &CSS_SET_DFL_CGRP)).id() }
    }

    /// Its effective user.
    #[inline(always)]
    pub fn uid(self) -> u32 {
        // SAFETY: each pointer is loaded, typed, from the one before; the first is the task, see `new`.
        unsafe { field::load(field::load(self.0, &TASK_CRED), &CRED_EUID) }
    }

    /// Whether the system call that it is in is a 32-bit one, as `in_compat_syscall` says.
    #[inline(always)]
    pub fn is_in_compat_syscall(self) -> bool {
        // SAFETY: see `new`; only arm64 has no `status`.
        unsafe {
            if TASK_COMPAT_STATUS.load() != ABSENT {
                field::load::<u32>(self.0, &TASK_COMPAT_STATUS) & TS_COMPAT != 0
            } else {
                field::load::<u64>(self.0, &TASK_COMPAT_FLAGS) & TIF_32BIT != 0
            }
        }
    }

    /// Whether it is the first thread of its process.
    #[inline(always)]
    pub fn is_leader(self) -> bool {
        // SAFETY: see `new`.
        unsafe { field::load::<u32>(self.0, &TASK_PID) == field::load::<u32>(self.0, &TASK_TGID) }
    }

    /// The wait status of its process, once the process has ended: what `wait_task_zombie` (kernel/exit.c) reports.
    #[inline(always)]
    pub fn process_exit_code(self) -> u32 {
        // SAFETY: each pointer is loaded, typed, from the one before; the first is the task, see `new`.
        unsafe {
            let signal = field::load::<*const c_void>(self.0, &TASK_SIGNAL);
            if field::load::<u32>(signal, &SIGNAL_FLAGS) & SIGNAL_GROUP_EXIT != 0 {
                field::load(signal, &SIGNAL_GROUP_EXIT_CODE)
            } else {
                field::load(field::load(self.0, &TASK_GROUP_LEADER), &TASK_EXIT_CODE)
            }
        }
    }

    /// Whether the OOM killer has chosen its process (`mark_oom_victim`, mm/oom_kill.c).
    #[inline(always)]
    pub fn is_oom_victim(self) -> bool {
        // SAFETY: each pointer is loaded, typed, from the one before; the first is the task, see `new`.
        unsafe {
            let signal = field::load::<*const c_void>(self.0, &TASK_SIGNAL);
            !field::load::<*const c_void>(signal, &SIGNAL_OOM_MM).is_null()
        }
    }

    /// By how much its process was made a more likely victim of the OOM killer.
    #[inline(always)]
    pub fn oom_score_adjustment(self) -> i16 {
        // SAFETY: each pointer is loaded, typed, from the one before; the first is the task, see `new`.
        unsafe { field::load(field::load(self.0, &TASK_SIGNAL), &SIGNAL_OOM_SCORE_ADJ) }
    }
}
