//! Events of TCP segments sent again, and of resets.

use doubleslit_testbed::{network::Wire, wait};
use serde_json::json;

use super::{assert_attributes, is_of, network_namespace, watch};
use crate::{harness::docker, perf::Hits};

#[test]
#[ignore = "needs root and BTF"]
fn a_received_reset() {
    let (mut server, mut client) = (docker().load("resets-server", &[]), docker().load("resets-client", &[]));
    let _wire = Wire::between(server.pid(), client.pid());
    let watch = watch(&["--event", "tcp_reset_receive"]);
    for (port, family, end) in [(7001, "ipv4", Wire::IPV4), (7002, "ipv6", Wire::IPV6)] {
        server.load.run(&format!("listen {} {port}", end[0]));
        client.load.run(&format!("reset {} {port} 1", end[0]));
        let event = watch.await_event("the reset", |event| is_of(event, "tcp_reset_receive", &server));
        assert_attributes(
            &event,
            &json!({
                "network.transport": "tcp",
                "network.type": family,
                "network.local.address": end[0],
                "network.local.port": port,
                "network.peer.address": end[1],
                "doubleslit.namespace.net": network_namespace(server.pid()),
                "process.pid": null,
            }),
        );
        assert!(event["network.peer.port"].is_number() && event["doubleslit.socket.cookie"].is_number(), "{event}");
    }
}

/// The server becomes deaf, the client writes, the server hears again. There are as many segments in the events as the
/// kernel counts, but for those that its timer sends while no program runs.
#[test]
#[ignore = "needs root and BTF"]
fn segments_sent_again() {
    let (mut server, mut client) = (docker().load("deaf", &[]), docker().load("insists", &[]));
    let wire = Wire::between(server.pid(), client.pid());
    let mut watch = watch(&["--event", "tcp_retransmit"]);
    let [address, own] = Wire::IPV4;
    server.load.run(&format!("listen {address} 7001"));
    client.load.run(&format!("hold {address} 7001"));
    let skipped = Hits::of_the_first_process("tcp", "tcp_retransmit_skb");
    wire.remove_address(0, address);
    client.load.run("write 12000");
    wait::until("the client sends again", || (wire.snmp(1, "Tcp", "RetransSegs") > 2).then_some(()));
    wire.add_address(0, address);
    client.load.run("release");
    let again = wire.snmp(1, "Tcp", "RetransSegs");
    let (_, events) = watch.stop(libc::SIGINT);
    let mut told = 0;
    for event in events.iter().filter(|event| is_of(event, "tcp_retransmit", &client)) {
        told += event["doubleslit.tcp.segments"].as_u64().expect("a number");
        assert_attributes(
            event,
            &json!({
                "network.local.address": own,
                "network.peer.address": address,
                "network.peer.port": 7001,
                "doubleslit.namespace.net": network_namespace(client.pid()),
            }),
        );
    }
    // One that is skipped is sent by a timer, and such a one is alone.
    assert!(told == again || told + skipped.count() == again, "{told} and {skipped:?} of {again}");
}
