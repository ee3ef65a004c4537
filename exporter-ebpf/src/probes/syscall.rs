//! System calls that return.

use core::hint;

use aya_ebpf::{Global, macros::btf_tracepoint, programs::BtfTracePointContext};
use doubleslit_common::{
    kind::Kind,
    probes::syscall::{self, CALLS, WANTED},
};

use crate::{
    count,
    kernel::{cgroup, registers::Registers, task::Task},
};

/// What is to be done with each call, see [`WANTED`].
#[unsafe(no_mangle)]
static SYSCALLS: Global<[u8; CALLS]> = Global::new([0; CALLS]);

/// `sys_exit(regs, ret)`: runs in the task that made the call. Calls that do not return, `exit` and `exit_group`, are not here.
#[btf_tracepoint(function = "sys_exit")]
fn syscall(ctx: BtfTracePointContext) -> i32 {
    // SAFETY: the first argument is the task's registers.
    let number = unsafe { Registers::new(ctx.arg(0)) }.syscall();
    let result: i64 = ctx.arg(1);
    let call = syscall::call(number, Task::current().is_in_compat_syscall());
    let bits = bits(call);
    if bits & WANTED != 0 && !syscall::is_in_new_task(bits, call, number, result) {
        count::add(cgroup::current_id(), Kind::Syscall, syscall::detail(call, result), 1);
    }
    0
}

#[inline(always)]
fn bits(call: u32) -> u8 {
    // The compiler knows that a call is below the limit; the verifier has to see it.
    let index = hint::black_box(call as usize) % CALLS;
    // SAFETY: a `Global` is what it holds, and the index is one of it. Volatile, as userspace has written it.
    unsafe { (&raw const SYSCALLS).cast::<u8>().add(index).read_volatile() }
}
