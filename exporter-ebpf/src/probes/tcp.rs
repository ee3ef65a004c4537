//! TCP segments sent again, and resets.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use doubleslit_common::{
    filter::Facts,
    key::NOBODY,
    kind::Kind,
    probes::tcp::{Family, Segments},
};

use crate::{
    count, event,
    kernel::{
        skb,
        socket::{MaybeSocket, Socket},
        tracepoint::HAS_RETRANSMIT_ERROR,
    },
};

/// `tcp_retransmit_skb(sk, skb, err)`. Kernels without `err` call it only when the segments were sent.
#[btf_tracepoint(function = "tcp_retransmit_skb")]
fn tcp_retransmit(ctx: BtfTracePointContext) -> i32 {
    if let Some((socket, segments)) = sent_again(&ctx) {
        count::add(socket.cgroup_id(), Kind::TcpRetransmit, socket.family() as u32, segments);
    }
    0
}

/// The same hook, for those who want to know which connection it was.
#[btf_tracepoint(function = "tcp_retransmit_skb")]
fn tcp_retransmit_event(ctx: BtfTracePointContext) -> i32 {
    if let Some((socket, segments)) = sent_again(&ctx) {
        send(Kind::TcpRetransmit, socket, segments);
    }
    0
}

/// The socket and how many segments it has sent again, if it has.
#[inline(always)]
fn sent_again(ctx: &BtfTracePointContext) -> Option<(Socket, u64)> {
    if HAS_RETRANSMIT_ERROR.load() != 0 && ctx.arg::<i32>(2) != 0 {
        return None;
    }
    // SAFETY: the first argument is a whole socket.
    Some((unsafe { Socket::new(ctx.arg(0)) }, skb::tcp_segments(ctx.arg(1))))
}

/// `tcp_send_reset(sk, skb, reason)`: there may be no socket, or less than one.
#[btf_tracepoint(function = "tcp_send_reset")]
fn tcp_reset_send(ctx: BtfTracePointContext) -> i32 {
    let socket = MaybeSocket::new(ctx.arg(0));
    let owner = socket.and_then(MaybeSocket::cgroup_id).unwrap_or(NOBODY);
    let family = socket.and_then(MaybeSocket::family).unwrap_or(Family::Other);
    count::add(owner, Kind::TcpResetSend, family as u32, 1);
    0
}

/// `tcp_receive_reset(sk)`.
#[btf_tracepoint(function = "tcp_receive_reset")]
fn tcp_reset_receive(ctx: BtfTracePointContext) -> i32 {
    // SAFETY: the first argument is a whole socket.
    let socket = unsafe { Socket::new(ctx.arg(0)) };
    count::add(socket.cgroup_id(), Kind::TcpResetReceive, socket.family() as u32, 1);
    0
}

/// The same hook, for those who want to know which connection it was.
#[btf_tracepoint(function = "tcp_receive_reset")]
fn tcp_reset_receive_event(ctx: BtfTracePointContext) -> i32 {
    // SAFETY: the first argument is a whole socket.
    send(Kind::TcpResetReceive, unsafe { Socket::new(ctx.arg(0)) }, 1);
    0
}

/// Sends the record of a socket's segments.
#[inline(always)]
fn send(kind: Kind, socket: Socket, count: u64) {
    let Some(header) = event::admit(kind, socket.cgroup_id(), &Facts::NONE) else { return };
    event::send(kind, header.cgroup, |place: *mut Segments| {
        // SAFETY: the place is valid for writes.
        unsafe { place.write(Segments { header, socket: socket.describe(), count }) };
    });
}
