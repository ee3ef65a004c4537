//! Ends of processes.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use doubleslit_common::{
    filter::Facts,
    kind::Kind,
    probes::exit::{Exit, Outcome},
};

use crate::{
    count, event,
    kernel::{cgroup, process, task::Task, tracepoint::HAS_GROUP_DEAD},
};

/// `sched_process_exit(task, group_dead)`: runs for every thread; the process ends with the last one.
///
/// Kernels without `group_dead` do not tell which thread is the last. There the first thread stands for its process.
#[btf_tracepoint(function = "sched_process_exit")]
fn exit(ctx: BtfTracePointContext) -> i32 {
    if let Some(task) = end_of_process(&ctx) {
        count::add(cgroup::current_id(), Kind::Exit, Outcome::of(task.process_exit_code()) as u32, 1);
    }
    0
}

/// The same hook, for those who want to know how it ended.
#[btf_tracepoint(function = "sched_process_exit")]
fn exit_event(ctx: BtfTracePointContext) -> i32 {
    let Some(task) = end_of_process(&ctx) else { return 0 };
    let facts = Facts { uid: Some(task.uid()), ..Facts::NONE };
    let Some(header) = event::admit(Kind::Exit, cgroup::current_id(), &facts) else { return 0 };
    event::send(Kind::Exit, header.cgroup, |place: *mut Exit| {
        // SAFETY: the place is valid for writes, and every field of it is written.
        unsafe {
            (*place).header = header;
            process::describe(task, &raw mut (*place).process);
            (*place).status = task.process_exit_code();
            (*place).is_oom_victim = u32::from(task.is_oom_victim());
        }
    });
    0
}

/// The ending task, if it is the last of its process.
#[inline(always)]
fn end_of_process(ctx: &BtfTracePointContext) -> Option<Task> {
    // SAFETY: the first argument is the ending task.
    let task = unsafe { Task::new(ctx.arg(0)) };
    let ends = if HAS_GROUP_DEAD.load() != 0 { ctx.arg::<u8>(1) != 0 } else { task.is_leader() };
    ends.then_some(task)
}
