//! Victims of the OOM killer.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use doubleslit_common::kind::Kind;

use crate::{count, kernel::task::Task};

/// `mark_victim(task, uid)`: runs in the task that needed memory; the victim is the argument.
#[btf_tracepoint(function = "mark_victim")]
fn oom(ctx: BtfTracePointContext) -> i32 {
    // SAFETY: the first argument is the victim; kernels that pass its number instead do not get this program.
    let victim = unsafe { Task::new(ctx.arg(0)) };
    count::add(victim.cgroup_id(), Kind::OomKill, 0, 1);
    0
}
