//! Changes of socket state.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use doubleslit_common::{
    event::Process,
    filter::{self, Facts},
    kind::Kind,
    probes::socket_state::{Protocol, SocketState, Transition},
};

use crate::{
    count, event,
    kernel::{process, socket::Socket, task::Task},
};

/// `inet_sock_set_state(sk, oldstate, newstate)`: often runs in softirq, on top of a stranger.
#[btf_tracepoint(function = "inet_sock_set_state")]
fn socket_state(ctx: BtfTracePointContext) -> i32 {
    let (socket, transition) = change(&ctx);
    count::add(socket.cgroup_id(), Kind::SocketState, transition.detail(), 1);
    0
}

/// The same hook, for those who want to know which socket it was.
#[btf_tracepoint(function = "inet_sock_set_state")]
fn socket_state_event(ctx: BtfTracePointContext) -> i32 {
    let (socket, transition) = change(&ctx);
    let (local_port, peer_port) = (socket.local_port(), socket.peer_port());
    let facts = Facts { socket: Some(filter::Socket { transition, local_port, peer_port }), ..Facts::NONE };
    let Some(header) = event::admit(Kind::SocketState, socket.cgroup_id(), &facts) else { return 0 };
    let has_process = transition.is_of_current();
    event::send(Kind::SocketState, header.cgroup, |place: *mut SocketState| {
        // SAFETY: the place is valid for writes, and every field of it is written.
        unsafe {
            (*place).header = header;
            if has_process {
                process::describe(Task::current(), &raw mut (*place).process);
            } else {
                (*place).process = Process::default();
            }
            (*place).socket = socket.describe();
            (*place).old = transition.old;
            (*place).new = transition.new;
            (*place).has_process = u32::from(has_process);
            (*place).reserved = 0;
        }
    });
    0
}

/// The socket, and what changes.
#[inline(always)]
fn change(ctx: &BtfTracePointContext) -> (Socket, Transition) {
    // SAFETY: the first argument is a whole socket.
    let socket = unsafe { Socket::new(ctx.arg(0)) };
    let (family, protocol) = (socket.family(), Protocol::of(socket.protocol()));
    (socket, Transition { family, protocol, old: ctx.arg(1), new: ctx.arg(2) })
}
