//! System calls that return, and how long they take.

use core::hint;

use aya_ebpf::{
    Global,
    bindings::BPF_F_NO_PREALLOC,
    macros::{btf_tracepoint, map},
    maps::HashMap,
    programs::BtfTracePointContext,
};
use doubleslit_common::{
    kind::Kind,
    probes::{
        syscall::{self, CALLS, HISTOGRAM, NOTED, WANTED},
        syscall_latency,
    },
};

use crate::{
    count,
    kernel::{cgroup, registers::Registers, task::Task},
    stopwatch,
};

/// What is to be done with each call, see [`WANTED`].
#[unsafe(no_mangle)]
static SYSCALLS: Global<[u8; CALLS]> = Global::new([0; CALLS]);

/// 1 if time is measured.
#[unsafe(no_mangle)]
static SYSCALL_TIME: Global<u32> = Global::new(0);

/// 1 if some calls have a histogram.
#[unsafe(no_mangle)]
static SYSCALL_HISTOGRAMS: Global<u32> = Global::new(0);

/// 1 if the calls of some owners are left out.
#[unsafe(no_mangle)]
static SYSCALL_OWNERS: Global<u32> = Global::new(0);

/// The cgroups whose calls are left out. Userspace writes it as containers come and go, and sets the capacity.
#[map]
static LEFT_OUT: HashMap<u64, u32> = HashMap::with_max_entries(1, BPF_F_NO_PREALLOC);

/// `sys_enter(regs, id)`: runs in the task that makes the call, behind seccomp and tracers, which may refuse it. Only attached
/// where time is measured.
#[btf_tracepoint(function = "sys_enter")]
fn syscall_entry(ctx: BtfTracePointContext) -> i32 {
    let number: i64 = ctx.arg(1);
    let task = Task::current();
    let bits = bits(syscall::call(number as i32, task.is_in_compat_syscall()));
    if bits & NOTED != 0 && !is_left_out(cgroup::current_id()) {
        stopwatch::start(task);
    }
    0
}

/// `sys_exit(regs, ret)`: runs in the task that made the call. Calls that do not return, `exit` and `exit_group`, are not here.
#[btf_tracepoint(function = "sys_exit")]
fn syscall(ctx: BtfTracePointContext) -> i32 {
    // SAFETY: the first argument is the task's registers.
    let number = unsafe { Registers::new(ctx.arg(0)) }.syscall();
    let result: i64 = ctx.arg(1);
    let task = Task::current();
    let call = syscall::call(number, task.is_in_compat_syscall());
    let bits = bits(call);
    let is_timed = SYSCALL_TIME.load() != 0;
    let time = if is_timed && bits & NOTED != 0 { stopwatch::stop(task) } else { None };
    if bits & WANTED == 0 || syscall::is_in_new_task(bits, call, number, result) {
        return 0;
    }
    let owner = cgroup::current_id();
    if is_left_out(owner) {
        return 0;
    }
    count::add(owner, Kind::Syscall, syscall::detail(call, result), 1);
    if is_timed {
        match time {
            Some(nanoseconds) => {
                count::add(owner, Kind::SyscallTime, call, nanoseconds);
                if SYSCALL_HISTOGRAMS.load() != 0 && bits & HISTOGRAM != 0 {
                    let bucket = syscall_latency::bucket(nanoseconds);
                    count::add(owner, Kind::SyscallLatency, syscall_latency::detail(call, bucket), 1);
                }
            }
            None => count::add(owner, Kind::SyscallUntimed, call, 1),
        }
    }
    0
}

#[inline(always)]
fn is_left_out(cgroup: u64) -> bool {
    SYSCALL_OWNERS.load() != 0 && LEFT_OUT.get_ptr(cgroup).is_some()
}

#[inline(always)]
fn bits(call: u32) -> u8 {
    // The compiler knows that a call is below the limit; the verifier has to see it.
    let index = hint::black_box(call as usize) % CALLS;
    // SAFETY: a `Global` is what it holds, and the index is one of it. Volatile, as userspace has written it.
    unsafe { (&raw const SYSCALLS).cast::<u8>().add(index).read_volatile() }
}
