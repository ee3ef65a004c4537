//! Events of sockets: each one is its socket's own container's, those in softirq included.

use doubleslit_testbed::{docker::LoadContainer, network::Wire};
use serde_json::{Value, json};

use super::{assert_attributes, is_of, network_namespace, text, watch};
use crate::harness::docker;

const LISTENS: [&str; 2] = ["TCP_CLOSE", "TCP_LISTEN"];
const SERVER: [&str; 6] =
    ["TCP_LISTEN", "TCP_SYN_RECV", "TCP_ESTABLISHED", "TCP_CLOSE_WAIT", "TCP_LAST_ACK", "TCP_CLOSE"];
const CLIENT: [&str; 6] =
    ["TCP_CLOSE", "TCP_SYN_SENT", "TCP_ESTABLISHED", "TCP_FIN_WAIT1", "TCP_FIN_WAIT2", "TCP_CLOSE"];

/// The name in OpenTelemetry of a state of the kernel's.
fn name(state: &str) -> &'static str {
    match state {
        "TCP_CLOSE" => "closed",
        "TCP_CLOSE_WAIT" => "close_wait",
        "TCP_ESTABLISHED" => "established",
        "TCP_FIN_WAIT1" => "fin_wait_1",
        "TCP_FIN_WAIT2" => "fin_wait_2",
        "TCP_LAST_ACK" => "last_ack",
        "TCP_LISTEN" => "listen",
        "TCP_SYN_RECV" => "syn_received",
        "TCP_SYN_SENT" => "syn_sent",
        _ => unreachable!("no state in this test"),
    }
}

/// A connection as `ss` shows it: both ends, and the cookie.
struct Connection {
    local: (String, u16),
    peer: (String, u16),
    cookie: u64,
}

impl Connection {
    /// The only one in the network namespace of an end of a wire.
    fn at(wire: &Wire, end: usize) -> Self {
        let line = wire.inside(end, &["ss", "--no-header", "--tcp", "--numeric", "--extended", "state", "established"]);
        let words: Vec<_> = line.split_whitespace().collect();
        let end = |word: &str| {
            let (address, port) = word.rsplit_once(':').expect("an address and a port");
            (address.trim_matches(['[', ']']).to_owned(), port.parse().expect("a port"))
        };
        let cookie = words.iter().find_map(|word| word.strip_prefix("sk:")).expect("a cookie");
        Self { local: end(words[2]), peer: end(words[3]), cookie: u64::from_str_radix(cookie, 16).expect("a number") }
    }
}

/// Checks a socket's changes of state, which are all events of a container.
fn assert_path(events: &[Value], path: &[&str], expected: &Value) {
    let changes: Vec<_> = path.windows(2).collect();
    assert_eq!(events.len(), changes.len(), "{events:#?}");
    for (event, change) in events.iter().zip(changes) {
        assert_attributes(event, expected);
        assert_attributes(
            event,
            &json!({
                "network.transport": "tcp",
                "doubleslit.network.connection.previous_kernel_state": change[0],
                "doubleslit.network.connection.kernel_state": change[1],
                "doubleslit.network.connection.previous_state": name(change[0]),
                "network.connection.state": name(change[1]),
            }),
        );
    }
}

/// Splits the events of a container by socket, each in the order of their times.
fn of_container(events: &[Value], container: &LoadContainer<'_>) -> Vec<Value> {
    let mut own: Vec<_> = events.iter().filter(|event| is_of(event, "socket_state", container)).cloned().collect();
    own.sort_by(|a, b| text(a, "time").cmp(text(b, "time")));
    own
}

#[test]
#[ignore = "needs root and BTF"]
fn a_connection_between_two_containers() {
    let (mut server, mut client) = (docker().load("server", &[]), docker().load("client", &[]));
    let wire = Wire::between(server.pid(), client.pid());
    let (server_pid, client_pid) = (server.pid(), client.pid());
    let watch = watch(&["--event", "socket_state"]);
    for (port, family, server_address) in [(7001, "ipv4", Wire::IPV4[0]), (7002, "ipv6", Wire::IPV6[0])] {
        server.load.run(&format!("listen {server_address} {port}"));
        client.load.run(&format!("hold {server_address} {port}"));
        let (here, there) = (Connection::at(&wire, 0), Connection::at(&wire, 1));
        client.load.run("release");
        server.load.run(&format!("settle {port}"));

        // The listener's one change, and five at either end.
        let is_ours = |event: &Value| is_of(event, "socket_state", &server) || is_of(event, "socket_state", &client);
        let events: Vec<_> = (0..11).map(|_| watch.await_event("changes of state", is_ours)).collect();

        let mut accepting = of_container(&events, &server);
        let accepted = accepting.split_off(1);
        let listener = json!({
            "network.type": family,
            "network.local.address": server_address,
            "network.local.port": port,
            "network.peer.address": null,
            "network.peer.port": null,
            "server.address": server_address,
            "server.port": port,
            "client.address": null,
            "process.pid": server_pid,
            "doubleslit.namespace.net": network_namespace(server_pid),
        });
        assert_path(&accepting, &LISTENS, &listener);

        let server_end = json!({
            "network.type": family,
            "network.local.address": here.local.0,
            "network.local.port": port,
            "doubleslit.socket.cookie": here.cookie,
            "doubleslit.namespace.net": network_namespace(server_pid),
            "process.pid": null,
        });
        assert_path(&accepted, &SERVER, &server_end);
        // The kernel tells the peer from some change on; it is there once the connection is.
        for event in &accepted[1..] {
            let peer = json!({ "network.peer.address": here.peer.0, "network.peer.port": here.peer.1 });
            assert_attributes(event, &peer);
        }
        let roles = json!({
            "client.address": here.peer.0,
            "client.port": here.peer.1,
            "server.address": here.local.0,
            "server.port": port,
        });
        assert_attributes(&accepted[1], &roles);
        assert_attributes(&accepted[2], &json!({ "client.address": null, "server.address": null }));

        let connecting = of_container(&events, &client);
        let client_end = json!({
            "network.type": family,
            "network.local.address": there.local.0,
            "network.peer.address": server_address,
            "network.peer.port": port,
            "doubleslit.socket.cookie": there.cookie,
            "doubleslit.namespace.net": network_namespace(client_pid),
        });
        assert_path(&connecting, &CLIENT, &client_end);
        // Its port is chosen only after the first change, the one that its process makes.
        assert_attributes(&connecting[0], &json!({ "process.pid": client_pid, "network.local.port": null }));
        assert_attributes(&connecting[1], &roles);
        for event in &connecting[1..] {
            assert_attributes(event, &json!({ "process.pid": null, "network.local.port": there.local.1 }));
        }
        assert_eq!((there.local, here.local), (here.peer, there.peer));
    }
}
