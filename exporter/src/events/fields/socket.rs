//! Fields of sockets, of their changes of state and of their segments.

use std::net::IpAddr;

use doubleslit_common::{
    kind::Kind,
    probes::{
        socket_state::{
            Protocol,
            state::{self, LISTEN, NEW_SYN_RECV, SYN_RECV, SYN_SENT},
        },
        tcp::Family,
    },
};

use super::{Field, KINDS, OF_SOCKETS, Value};
use crate::{
    events::event::{Details, Event, Socket, SocketState},
    namespaces::Type,
};

const STATES: &[Kind] = &[Kind::SocketState];
const SEGMENTS: &[Kind] = &[Kind::TcpRetransmit];

/// One end of a connection.
type End = (Option<IpAddr>, u16);

fn socket(event: &Event) -> Option<&Socket> {
    match &event.details {
        Details::SocketState(change) => Some(&change.socket),
        Details::TcpRetransmit(segments) | Details::TcpResetReceive(segments) => Some(&segments.socket),
        _ => None,
    }
}

fn change(event: &Event) -> Option<&SocketState> {
    if let Details::SocketState(change) = &event.details { Some(change) } else { None }
}

fn local(event: &Event) -> Option<End> {
    socket(event).map(|socket| (socket.local, socket.record.local_port))
}

fn peer(event: &Event) -> Option<End> {
    socket(event).map(|socket| (socket.peer, socket.record.peer_port))
}

/// Whether the socket is the client's end, where its states tell.
fn is_client(event: &Event) -> Option<bool> {
    let states = change(event).map(|change| [change.old, change.new])?;
    if states.contains(&SYN_SENT) {
        return Some(true);
    }
    [LISTEN, SYN_RECV, NEW_SYN_RECV].iter().any(|state| states.contains(state)).then_some(false)
}

fn client(event: &Event) -> Option<End> {
    if is_client(event)? { local(event) } else { peer(event) }
}

fn server(event: &Event) -> Option<End> {
    if is_client(event)? { peer(event) } else { local(event) }
}

fn address(end: Option<End>) -> Option<Value<'static>> {
    Value::made(end?.0?.to_string())
}

fn port(end: Option<End>) -> Option<Value<'static>> {
    Some(end?.1).filter(|port| *port != 0).and_then(Value::number)
}

/// The fields.
pub(super) static FIELDS: &[Field] = &[
    Field {
        name: "protocol",
        attribute: "network.transport",
        help: "Protocol of the socket",
        kinds: OF_SOCKETS,
        value: |event| Value::name(Protocol::of(socket(event)?.record.protocol.into()).name()),
    },
    Field {
        name: "family",
        attribute: "network.type",
        help: "Address family of the socket",
        kinds: OF_SOCKETS,
        value: |event| Value::name(Family::of(socket(event)?.record.family.into()).name()),
    },
    Field {
        name: "local_address",
        attribute: "network.local.address",
        help: "Address of the socket itself",
        kinds: OF_SOCKETS,
        value: |event| address(local(event)),
    },
    Field {
        name: "local_port",
        attribute: "network.local.port",
        help: "Port of the socket itself",
        kinds: OF_SOCKETS,
        value: |event| port(local(event)),
    },
    Field {
        name: "peer_address",
        attribute: "network.peer.address",
        help: "Address of its peer",
        kinds: OF_SOCKETS,
        value: |event| address(peer(event)),
    },
    Field {
        name: "peer_port",
        attribute: "network.peer.port",
        help: "Port of its peer",
        kinds: OF_SOCKETS,
        value: |event| port(peer(event)),
    },
    Field {
        name: "client_address",
        attribute: "client.address",
        help: "Address of the client, where the states tell which end it is",
        kinds: STATES,
        value: |event| address(client(event)),
    },
    Field {
        name: "client_port",
        attribute: "client.port",
        help: "Port of the client",
        kinds: STATES,
        value: |event| port(client(event)),
    },
    Field {
        name: "server_address",
        attribute: "server.address",
        help: "Address of the server, where the states tell which end it is",
        kinds: STATES,
        value: |event| address(server(event)),
    },
    Field {
        name: "server_port",
        attribute: "server.port",
        help: "Port of the server",
        kinds: STATES,
        value: |event| port(server(event)),
    },
    Field {
        name: "old_state",
        attribute: "doubleslit.network.connection.previous_state",
        help: "State of the socket before",
        kinds: STATES,
        value: |event| Value::name(state::name(change(event)?.old)),
    },
    Field {
        name: "new_state",
        attribute: "network.connection.state",
        help: "State of the socket after",
        kinds: STATES,
        value: |event| Value::name(state::name(change(event)?.new)),
    },
    Field {
        name: "old_kernel_state",
        attribute: "doubleslit.network.connection.previous_kernel_state",
        help: "State of the socket before, as the kernel names it",
        kinds: STATES,
        value: |event| Value::name(state::kernel_name(change(event)?.old)),
    },
    Field {
        name: "new_kernel_state",
        attribute: "doubleslit.network.connection.kernel_state",
        help: "State of the socket after, as the kernel names it",
        kinds: STATES,
        value: |event| Value::name(state::kernel_name(change(event)?.new)),
    },
    Field {
        name: "segments",
        attribute: "doubleslit.tcp.segments",
        help: "How many segments were sent again",
        kinds: SEGMENTS,
        value: |event| match &event.details {
            Details::TcpRetransmit(segments) => Value::number(segments.count),
            _ => None,
        },
    },
    Field {
        name: "socket_cookie",
        attribute: "doubleslit.socket.cookie",
        help: "Number of the socket, which no other socket ever has",
        kinds: OF_SOCKETS,
        value: |event| Some(socket(event)?.record.cookie).filter(|cookie| *cookie != 0).and_then(Value::number),
    },
    Field {
        name: "net_ns",
        attribute: "doubleslit.namespace.net",
        help: "Network namespace of the socket, or else of the process",
        kinds: KINDS,
        value: |event| {
            let inode = match socket(event) {
                Some(socket) => Some(u64::from(socket.record.net)).filter(|inode| *inode != 0),
                None => event.namespace(Type::Net),
            };
            Value::number(inode?)
        },
    },
];
