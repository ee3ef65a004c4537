//! Successful executions.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use doubleslit_common::kind::Kind;

use crate::{count, kernel::task::Task};

/// `sched_process_exec(task, old_pid, bprm)`: runs only after the new program is in place.
#[btf_tracepoint(function = "sched_process_exec")]
fn exec(ctx: BtfTracePointContext) -> i32 {
    // SAFETY: the first argument is the current task.
    let task = unsafe { Task::new(ctx.arg(0)) };
    count::add(task.cgroup_id(), Kind::Exec, 0, 1);
    0
}
