//! Creation of processes and threads.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use doubleslit_common::kind::Kind;

use crate::{count, kernel::task::Task};

/// `sched_process_fork(parent, child)`. The child's cgroup counts: `clone3` can place it in another than its parent's.
#[btf_tracepoint(function = "sched_process_fork")]
fn fork(ctx: BtfTracePointContext) -> i32 {
    // SAFETY: the second argument is the new task.
    let child = unsafe { Task::new(ctx.arg(1)) };
    let kind = if child.is_leader() { Kind::Fork } else { Kind::Thread };
    count::add(child.cgroup_id(), kind, 0, 1);
    0
}
