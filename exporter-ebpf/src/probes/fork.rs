//! Creation of processes and threads.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use doubleslit_common::{filter::Facts, kind::Kind, probes::fork::Fork};

use crate::{
    count, event,
    kernel::{process, task::Task},
};

/// `sched_process_fork(parent, child)`. The child's cgroup counts: `clone3` can place it in another than its parent's.
#[btf_tracepoint(function = "sched_process_fork")]
fn fork(ctx: BtfTracePointContext) -> i32 {
    let (child, kind) = created(&ctx);
    count::add(child.cgroup_id(), kind, 0, 1);
    0
}

/// The same hook, for those who want to know what was created.
#[btf_tracepoint(function = "sched_process_fork")]
fn fork_event(ctx: BtfTracePointContext) -> i32 {
    let (child, kind) = created(&ctx);
    let facts = Facts { uid: Some(child.uid()), ..Facts::NONE };
    let Some(header) = event::admit(kind, child.cgroup_id(), &facts) else { return 0 };
    event::send(kind, header.cgroup, |place: *mut Fork| {
        // SAFETY: the place is valid for writes, and every field of it is written.
        unsafe {
            (*place).header = header;
            process::describe(child, &raw mut (*place).process);
        }
    });
    0
}

/// The new task, and whether it is a process or a thread.
#[inline(always)]
fn created(ctx: &BtfTracePointContext) -> (Task, Kind) {
    // SAFETY: the second argument is the new task.
    let child = unsafe { Task::new(ctx.arg(1)) };
    (child, if child.is_leader() { Kind::Fork } else { Kind::Thread })
}
