//! Signals: generated, with sender and result, and delivered.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use doubleslit_common::{
    filter::Facts,
    kind::Kind,
    probes::signal::{self, Sender, SignalDeliver, SignalGenerate, SignalResult},
};

use crate::{
    count, event,
    kernel::{cgroup, process, sender, sigaction::Sigaction, siginfo::Siginfo, task::Task},
};

/// `signal_generate(sig, info, task, group, result)`: runs in the sender, or in whatever a timer interrupted.
#[btf_tracepoint(function = "signal_generate")]
fn signal_generate(ctx: BtfTracePointContext) -> i32 {
    // SAFETY: the third argument is the target.
    let target = unsafe { Task::new(ctx.arg(2)) }.cgroup_id();
    let detail = signal::detail(ctx.arg(0), ctx.arg(4));
    // SAFETY: the second argument is the signal's information.
    if !unsafe { Siginfo::new(ctx.arg(1)) }.sent_by_current() {
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

/// The same hook as that of [`signal_generate`], for those who want to know who sent what to whom.
#[btf_tracepoint(function = "signal_generate")]
fn signal_generate_event(ctx: BtfTracePointContext) -> i32 {
    // SAFETY: the second argument is the signal's information, the third the target.
    let (info, target) = unsafe { (Siginfo::new(ctx.arg(1)), Task::new(ctx.arg(2))) };
    let facts = Facts { uid: Some(target.uid()), signal: Some(ctx.arg(0)), ..Facts::NONE };
    let Some(header) = event::admit(Kind::SignalGenerate, target.cgroup_id(), &facts) else { return 0 };
    event::send(Kind::SignalGenerate, header.cgroup, |place: *mut SignalGenerate| {
        // SAFETY: the place is valid for writes, and every field of it is written.
        unsafe {
            (*place).header = header;
            process::describe(target, &raw mut (*place).process);
            if info.sent_by_current() {
                sender::describe_current(&raw mut (*place).sender);
            } else {
                sender::describe_kernel(&raw mut (*place).sender);
            }
            (*place).signal = ctx.arg(0);
            (*place).result = ctx.arg(4);
            (*place).code = info.code();
            (*place).errno = info.errno();
            (*place).is_group = u32::from(ctx.arg::<i32>(3) != 0);
            (*place).reserved = 0;
        }
    });
    0
}

/// The same hook as that of [`signal_deliver`], for those who want to know what becomes of it.
#[btf_tracepoint(function = "signal_deliver")]
fn signal_deliver_event(ctx: BtfTracePointContext) -> i32 {
    let target = Task::current();
    let facts = Facts { uid: Some(target.uid()), signal: Some(ctx.arg(0)), ..Facts::NONE };
    let Some(header) = event::admit(Kind::SignalDeliver, cgroup::current_id(), &facts) else { return 0 };
    // SAFETY: the second argument is the signal's information, the third the action.
    let (info, action) = unsafe { (Siginfo::new(ctx.arg(1)), Sigaction::new(ctx.arg(2))) };
    event::send(Kind::SignalDeliver, header.cgroup, |place: *mut SignalDeliver| {
        // SAFETY: the place is valid for writes, and every field of it is written.
        unsafe {
            (*place).header = header;
            process::describe(target, &raw mut (*place).process);
            (*place).handler = action.handler();
            (*place).flags = action.flags();
            (*place).signal = ctx.arg(0);
            (*place).code = info.code();
            (*place).errno = info.errno();
            (*place).reserved = 0;
        }
    });
    0
}
