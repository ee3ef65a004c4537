//! Signals: generated, with sender and result, and delivered.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use doubleslit_common::{
    kind::Kind,
    probes::signal::{self, Sender, SignalResult},
};

use crate::{
    count,
    kernel::{cgroup, siginfo, task::Task},
};

/// `signal_generate(sig, info, task, group, result)`: runs in the sender, or in whatever a timer interrupted.
#[btf_tracepoint(function = "signal_generate")]
fn signal_generate(ctx: BtfTracePointContext) -> i32 {
    // SAFETY: the third argument is the target.
    let target = unsafe { Task::new(ctx.arg(2)) }.cgroup_id();
    let detail = signal::detail(ctx.arg(0), ctx.arg(4));
    // SAFETY: the second argument is the signal's information.
    if !unsafe { siginfo::sent_by_current(ctx.arg(1)) } {
        count::add(target, Kind::SignalGenerate, Sender::Kernel.mark(detail), 1);
        return 0;
    }
    let sender = cgroup::current_id();
    if sender == target {
        count::add(target, Kind::SignalGenerate, Sender::Own.mark(detail), 1);
    } else {
        count::add_edge(target, sender, detail);
    }
    0
}

/// `signal_deliver(sig, info, ka)`: runs in the task that receives the signal.
#[btf_tracepoint(function = "signal_deliver")]
fn signal_deliver(ctx: BtfTracePointContext) -> i32 {
    count::add(
        cgroup::current_id(),
        Kind::SignalDeliver,
        signal::detail(ctx.arg(0), SignalResult::Delivered as u32),
        1,
    );
    0
}
