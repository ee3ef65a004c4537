//! Successful executions.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use doubleslit_common::kind::Kind;

use crate::{count, kernel::cgroup};

/// `sched_process_exec(task, old_pid, bprm)`: runs only after the new program is in place.
#[btf_tracepoint(function = "sched_process_exec")]
fn exec(_ctx: BtfTracePointContext) -> i32 {
    count::add(cgroup::current_id(), Kind::Exec, 0, 1);
    0
}
