//! Victims of the OOM killer.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use doubleslit_common::{filter::Facts, kind::Kind, probes::oom::OomKill};

use crate::{
    count, event,
    kernel::{memory::Pages, process, task::Task},
};

/// `mark_victim(task, uid)`: runs in the task that needed memory; the victim is the argument.
#[btf_tracepoint(function = "mark_victim")]
fn oom(ctx: BtfTracePointContext) -> i32 {
    // SAFETY: the first argument is the victim; kernels that pass its number instead do not get this program.
    let victim = unsafe { Task::new(ctx.arg(0)) };
    count::add(victim.cgroup_id(), Kind::OomKill, 0, 1);
    0
}

/// The same hook, for those who want to know whom it chose.
#[btf_tracepoint(function = "mark_victim")]
fn oom_event(ctx: BtfTracePointContext) -> i32 {
    // SAFETY: as above.
    let victim = unsafe { Task::new(ctx.arg(0)) };
    let facts = Facts { uid: Some(victim.uid()), ..Facts::NONE };
    let Some(header) = event::admit(Kind::OomKill, victim.cgroup_id(), &facts) else { return 0 };
    event::send(Kind::OomKill, header.cgroup, |place: *mut OomKill| {
        let memory = victim.memory();
        // SAFETY: the place is valid for writes, and every field of it is written.
        unsafe {
            (*place).header = header;
            process::describe(victim, &raw mut (*place).process);
            (*place).total_pages = memory.total_pages();
            (*place).anonymous_pages = memory.resident(Pages::Anonymous);
            (*place).file_pages = memory.resident(Pages::File);
            (*place).shared_pages = memory.resident(Pages::Shared);
            (*place).page_table_bytes = memory.page_table_bytes();
            (*place).score_adjustment = i32::from(victim.oom_score_adjustment());
            (*place).reserved = 0;
        }
    });
    0
}
