//! The detail of [`Kind::SocketState`](crate::kind::Kind::SocketState): family, protocol, old and new state; and its event.

use super::tcp::{Family, Socket};
use crate::{
    event::{Header, Process},
    wire::wire,
};

/// The protocol of a socket that has TCP-like states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Protocol {
    /// TCP.
    Tcp = 0,
    /// SCTP.
    Sctp = 1,
    /// DCCP.
    Dccp = 2,
    /// Multipath TCP.
    Mptcp = 3,
    /// Another one.
    Other = 4,
}

impl Protocol {
    /// Every protocol, in the order of its number.
    pub const ALL: [Self; 5] = [Self::Tcp, Self::Sctp, Self::Dccp, Self::Mptcp, Self::Other];

    /// The protocol with this `IPPROTO_*` number (include/uapi/linux/in.h).
    #[inline(always)]
    #[must_use]
    pub const fn of(ipproto: u32) -> Self {
        match ipproto {
            6 => Self::Tcp,
            132 => Self::Sctp,
            33 => Self::Dccp,
            262 => Self::Mptcp,
            _ => Self::Other,
        }
    }

    /// The name in the `protocol` label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Sctp => "sctp",
            Self::Dccp => "dccp",
            Self::Mptcp => "mptcp",
            Self::Other => "other",
        }
    }
}

/// A socket's state (include/net/tcp_states.h), 1 to 13.
pub mod state {
    /// A connection is there.
    pub const ESTABLISHED: u32 = 1;
    /// A SYN was sent: an active open.
    pub const SYN_SENT: u32 = 2;
    /// A SYN was received: a passive open.
    pub const SYN_RECV: u32 = 3;
    /// TIME_WAIT: the rest of such a socket is not there.
    pub const TIME_WAIT: u32 = 6;
    /// No connection.
    pub const CLOSE: u32 = 7;
    /// Connections are accepted.
    pub const LISTEN: u32 = 10;
    /// A request that has no socket of its own yet.
    pub const NEW_SYN_RECV: u32 = 12;

    /// The name in the labels `old_state` and `new_state`: the values of `network.connection.state` in the OpenTelemetry
    /// semantic conventions.
    #[must_use]
    pub const fn name(state: u32) -> &'static str {
        match state {
            ESTABLISHED => "established",
            SYN_SENT => "syn_sent",
            SYN_RECV | NEW_SYN_RECV => "syn_received",
            4 => "fin_wait_1",
            5 => "fin_wait_2",
            TIME_WAIT => "time_wait",
            CLOSE => "closed",
            8 => "close_wait",
            9 => "last_ack",
            LISTEN => "listen",
            11 => "closing",
            13 => "bound_inactive",
            _ => "other",
        }
    }

    /// The kernel's own name.
    #[must_use]
    pub const fn kernel_name(state: u32) -> &'static str {
        match state {
            ESTABLISHED => "TCP_ESTABLISHED",
            SYN_SENT => "TCP_SYN_SENT",
            SYN_RECV => "TCP_SYN_RECV",
            4 => "TCP_FIN_WAIT1",
            5 => "TCP_FIN_WAIT2",
            TIME_WAIT => "TCP_TIME_WAIT",
            CLOSE => "TCP_CLOSE",
            8 => "TCP_CLOSE_WAIT",
            9 => "TCP_LAST_ACK",
            LISTEN => "TCP_LISTEN",
            11 => "TCP_CLOSING",
            NEW_SYN_RECV => "TCP_NEW_SYN_RECV",
            13 => "TCP_BOUND_INACTIVE",
            _ => "other",
        }
    }
}

/// A change of state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The address family.
    pub family: Family,
    /// The protocol.
    pub protocol: Protocol,
    /// The state before, see [`state`].
    pub old: u32,
    /// The state after, see [`state`].
    pub new: u32,
}

impl Transition {
    /// The detail of this change.
    #[inline(always)]
    #[must_use]
    pub const fn detail(self) -> u32 {
        (self.new & 15) | (self.old & 15) << 4 | (self.protocol as u32) << 8 | (self.family as u32) << 11
    }

    /// The change in a detail; nothing for numbers that this version does not know.
    #[must_use]
    pub fn from_detail(detail: u32) -> Option<Self> {
        Some(Self {
            family: Family::from_detail(detail >> 11)?,
            protocol: *Protocol::ALL.get((detail >> 8 & 7) as usize)?,
            old: detail >> 4 & 15,
            new: detail & 15,
        })
    }
}

impl Transition {
    /// Whether the task that runs when this happens is the one that the socket does it for. Other changes follow from
    /// segments and timers, in interrupts on top of whatever runs.
    #[inline(always)]
    #[must_use]
    pub const fn is_of_current(self) -> bool {
        let is_connect = self.old == state::CLOSE && self.new == state::SYN_SENT;
        matches!(self.protocol, Protocol::Tcp) && (is_connect || self.new == state::LISTEN)
    }
}

/// The record of the event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct SocketState {
    /// What all records have.
    pub header: Header,
    /// The process that did it; all 0 unless [`Self::has_process`].
    pub process: Process,
    /// The socket.
    pub socket: Socket,
    /// The state before, see [`state`].
    pub old: u32,
    /// The state after, see [`state`].
    pub new: u32,
    /// 1 when a process did it, see [`Transition::is_of_current`].
    pub has_process: u32,
    /// 0.
    pub reserved: u32,
}

wire!(SocketState {
    header: Header,
    process: Process,
    socket: Socket,
    old: u32,
    new: u32,
    has_process: u32,
    reserved: u32,
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_back() {
        for family in Family::ALL {
            for protocol in Protocol::ALL {
                for (old, new) in [(7, 2), (2, 1), (12, 1), (13, 7)] {
                    let transition = Transition { family, protocol, old, new };
                    assert_eq!(Transition::from_detail(transition.detail()), Some(transition));
                }
            }
        }
    }
}
