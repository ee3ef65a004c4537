//! Ends of processes.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use doubleslit_common::{kind::Kind, probes::exit::Outcome};

use crate::{
    count,
    kernel::{cgroup, task::Task, tracepoint::HAS_GROUP_DEAD},
};

/// `sched_process_exit(task, group_dead)`: runs for every thread; the process ends with the last one.
///
/// Kernels without `group_dead` do not tell which thread is the last. There the first thread stands for its process.
#[btf_tracepoint(function = "sched_process_exit")]
fn exit(ctx: BtfTracePointContext) -> i32 {
    // SAFETY: the first argument is the ending task.
    let task = unsafe { Task::new(ctx.arg(0)) };
    let ends = if HAS_GROUP_DEAD.load() != 0 { ctx.arg::<u8>(1) != 0 } else { task.is_leader() };
    if ends {
        count::add(cgroup::current_id(), Kind::Exit, Outcome::of(task.process_exit_code()) as u32, 1);
    }
    0
}
