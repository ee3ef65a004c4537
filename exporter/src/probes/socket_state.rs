//! Changes of socket state, and what follows from them for TCP: active opens, passive opens, failures.

use doubleslit_common::{
    kind::Kind,
    probes::socket_state::{
        Protocol, Transition,
        state::{self, CLOSE, ESTABLISHED, SYN_RECV, SYN_SENT},
    },
};

use super::{Family, PROCESS_FIELDS, Probe, Program, SOCKET_FIELDS, Source, Values};

const FAMILIES: &[Values] = &[["ipv4", "", "", ""], ["ipv6", "", "", ""]];

/// The probe `socket_state`.
pub static PROBE: Probe = Probe {
    name: "socket_state",
    summary: "every change of a TCP-like socket's state, by the socket's own cgroup",
    programs: &[Program {
        name: "socket_state",
        tracepoint: "inet_sock_set_state",
        fields: &["SOCK_CGROUP", "CGROUP_KN", "KERNFS_NODE_ID", "SOCK_FAMILY", "SOCK_PROTOCOL"],
        arguments: &[],
        kinds: &[Kind::SocketState],
        each_run_counts: true,
        describes: &[],
    }],
    events: &[Program {
        name: "socket_state_event",
        tracepoint: "inet_sock_set_state",
        fields: &[],
        arguments: &[],
        kinds: &[Kind::SocketState],
        each_run_counts: false,
        describes: &[SOCKET_FIELDS, PROCESS_FIELDS],
    }],
    families: &[
        Family {
            name: "doubleslit_socket_state_transitions",
            help: "Changes of state of TCP-like sockets",
            kind: Kind::SocketState,
            source: Source::Counts,
            labels: &["family", "protocol", "old_state", "new_state"],
            values: transition,
            zeros: &[],
            whole: true,
        },
        Family {
            name: "doubleslit_tcp_connect_attempts",
            help: "Active opens of TCP connections",
            kind: Kind::SocketState,
            source: Source::Counts,
            labels: &["family"],
            values: connect_attempt,
            zeros: FAMILIES,
            whole: false,
        },
        Family {
            name: "doubleslit_tcp_connect_failures",
            help: "Active opens of TCP connections that were never established",
            kind: Kind::SocketState,
            source: Source::Counts,
            labels: &["family"],
            values: connect_failure,
            zeros: FAMILIES,
            whole: false,
        },
        Family {
            name: "doubleslit_tcp_accepts",
            help: "Passive opens of TCP connections that were established",
            kind: Kind::SocketState,
            source: Source::Counts,
            labels: &["family"],
            values: accept,
            zeros: FAMILIES,
            whole: false,
        },
    ],
};

fn transition(detail: u32) -> Option<Values> {
    Some(match Transition::from_detail(detail) {
        Some(Transition { family, protocol, old, new }) => {
            [family.name(), protocol.name(), state::name(old), state::name(new)]
        }
        None => ["other"; 4],
    })
}

fn connect_attempt(detail: u32) -> Option<Values> {
    tcp(detail, CLOSE, SYN_SENT)
}

fn connect_failure(detail: u32) -> Option<Values> {
    tcp(detail, SYN_SENT, CLOSE)
}

fn accept(detail: u32) -> Option<Values> {
    tcp(detail, SYN_RECV, ESTABLISHED)
}

fn tcp(detail: u32, from: u32, to: u32) -> Option<Values> {
    let Transition { family, protocol, old, new } = Transition::from_detail(detail)?;
    (protocol == Protocol::Tcp && old == from && new == to).then(|| [family.name(), "", "", ""])
}
