//! The probe `tcp`.

use doubleslit_testbed::{network::Wire, scrape::Rows, wait};

use crate::{
    harness::{assert_conserved, docker, rows, setup, two_containers},
    perf::Hits,
};

#[test]
#[ignore = "needs root and BTF"]
fn refused_connections_are_reset() {
    let (mut exporter, mut a, _b) = two_containers();
    let change = exporter.during(|| drop(a.load.run("connect-refused 127.0.0.1 9 1000")));
    // The one who refuses is no socket; the namespace's kernel sends its resets.
    assert_eq!(rows(&change, &a).only(&["tcp_resets"]), Rows::of([("tcp_resets_received family=ipv4", 1000)]));
    let sent = change.sum("doubleslit_tcp_resets_sent_total", &[("container_id", "")]);
    assert!(sent >= 1000.0, "{sent}");
    assert_conserved(&exporter.scrape());
}

#[test]
#[ignore = "needs root and BTF"]
fn a_client_that_resets() {
    let (mut server, mut client) = (docker().load("server", &[]), docker().load("client", &[]));
    let _wire = Wire::between(server.pid(), client.pid());
    let mut exporter = setup().start();
    for (family, address, port) in [("ipv4", Wire::IPV4[0], 7001), ("ipv6", Wire::IPV6[0], 7002)] {
        server.load.run(&format!("listen {address} {port}"));
        let change = exporter.during(|| {
            client.load.run(&format!("reset {address} {port} 1000"));
            server.load.run(&format!("settle {port}"));
        });
        let sent = format!("tcp_resets_sent family={family}");
        assert_eq!(rows(&change, &client).only(&["tcp_resets"]), Rows::of([(sent.as_str(), 1000)]));
        let received = format!("tcp_resets_received family={family}");
        assert_eq!(rows(&change, &server).only(&["tcp_resets"]), Rows::of([(received.as_str(), 1000)]));
    }
}

/// The server becomes deaf, the client writes, the server hears again: the client sends what was lost again, alone and in
/// bunches. Both sides agree with what the kernel counts for their network namespaces: segments, not calls. One that is
/// skipped is sent by a timer, and such a one is alone.
#[test]
#[ignore = "needs root and BTF"]
fn segments_sent_again() {
    for (end, family) in [(&Wire::IPV4, "ipv4"), (&Wire::IPV6, "ipv6")] {
        let (mut server, mut client) = (docker().load("server", &[]), docker().load("client", &[]));
        let wire = Wire::between(server.pid(), client.pid());
        let mut exporter = setup().start();
        server.load.run(&format!("listen {} 7001", end[0]));
        client.load.run(&format!("hold {} 7001", end[0]));
        let skipped = Hits::of_the_first_process("tcp", "tcp_retransmit_skb");
        let change = exporter.during(|| {
            wire.remove_address(0, end[0]);
            client.load.run("write 12000");
            wait::until("the client sends again", || (wire.snmp(1, "Tcp", "RetransSegs") > 2).then_some(()));
            wire.add_address(0, end[0]);
            client.load.run("release");
            server.load.run("settle 7001");
        });
        let again = wire.snmp(1, "Tcp", "RetransSegs");
        assert!(again > 3, "only {again} segments were sent again");
        let row = format!("tcp_retransmits family={family}");
        let of = |count| Rows::of([(row.as_str(), count)]);
        let counted = rows(&change, &client).only(&["tcp_retransmits"]);
        if counted != of(again) {
            assert_eq!(counted, of(again - skipped.count()), "{skipped:?} of {again}");
        }
        assert_eq!(rows(&change, &server).only(&["tcp_retransmits"]), of(wire.snmp(0, "Tcp", "RetransSegs")));
    }
}
