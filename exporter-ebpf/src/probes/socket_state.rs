//! Changes of socket state.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use doubleslit_common::{
    kind::Kind,
    probes::socket_state::{Protocol, Transition},
};

use crate::{count, kernel::socket::Socket};

/// `inet_sock_set_state(sk, oldstate, newstate)`: often runs in softirq, on top of a stranger.
#[btf_tracepoint(function = "inet_sock_set_state")]
fn socket_state(ctx: BtfTracePointContext) -> i32 {
    // SAFETY: the first argument is a whole socket.
    let socket = unsafe { Socket::new(ctx.arg(0)) };
    let transition = Transition {
        family: socket.family(),
        protocol: Protocol::of(socket.protocol()),
        old: ctx.arg(1),
        new: ctx.arg(2),
    };
    count::add(socket.cgroup_id(), Kind::SocketState, transition.detail(), 1);
    0
}
