//! The probe `socket_state`: every change is the socket's own container's, those in softirq included.

use doubleslit_testbed::{
    docker::LoadContainer,
    network::{Wire, acknowledge_at_once, snmp},
    scrape::Rows,
};

use crate::harness::{
    assert_conserved, assert_not_the_hosts, assert_rows, docker, nothing, rows, setup, two_containers,
};

const ACTIVE_OPEN: [&str; 3] = ["closed", "syn_sent", "established"];
const PASSIVE_OPEN: [&str; 3] = ["listen", "syn_received", "established"];
const CLOSES_FIRST: [&str; 4] = ["established", "fin_wait_1", "fin_wait_2", "closed"];
const CLOSES_LAST: [&str; 4] = ["established", "close_wait", "last_ack", "closed"];

/// Rows of N sockets that go through these states; `and` is what follows from one of the changes.
fn sockets(family: &str, count: u64, paths: &[&[&str]], and: &[&str]) -> Rows {
    let changes = paths.iter().flat_map(|path| path.windows(2));
    let transitions = changes.map(|change| {
        let [old, new] = change else { unreachable!("windows of two") };
        format!("socket_state_transitions family={family} new_state={new} old_state={old} protocol=tcp")
    });
    let lines: Vec<_> = transitions.chain(and.iter().map(|name| format!("{name} family={family}"))).collect();
    Rows::of(lines.iter().map(|line| (line.as_str(), count)))
}

/// A server and a client that a wire connects.
fn wired() -> (LoadContainer<'static>, LoadContainer<'static>) {
    let (server, client) = (docker().load("server", &[]), docker().load("client", &[]));
    let _wire = Wire::between(server.pid(), client.pid());
    (server, client)
}

#[test]
#[ignore = "needs root and BTF"]
fn a_server_and_a_client_in_two_containers() {
    let (mut server, mut client) = wired();
    let mut exporter = setup().start();
    let mut port = 7000;
    for (family, address) in [("ipv4", Wire::IPV4[0]), ("ipv6", Wire::IPV6[0])] {
        for (listens, connects, server_end, client_end) in
            [("", "", CLOSES_LAST, CLOSES_FIRST), ("close-first", "close-last", CLOSES_FIRST, CLOSES_LAST)]
        {
            port += 1;
            server.load.run(&format!("listen {address} {port} {listens}"));
            let change = exporter.during(|| {
                client.load.run(&format!("cpus=0,1 connect {address} {port} 5000 {connects}"));
                server.load.run(&format!("settle {port}"));
            });
            let accepted = sockets(family, 5000, &[&PASSIVE_OPEN, &server_end], &["tcp_accepts"]);
            assert_rows(&change, &rows(&change, &server), &accepted, &format!("{family} {listens}"));
            let connected = sockets(family, 5000, &[&ACTIVE_OPEN, &client_end], &["tcp_connect_attempts"]);
            assert_rows(&change, &rows(&change, &client), &connected, &format!("{family} {connects}"));
        }
    }
    assert_conserved(&exporter.scrape());
}

#[test]
#[ignore = "needs root and BTF"]
fn two_containers_in_one_network_namespace() {
    let mut server = docker().load("server", &["--sysctl=net.ipv6.conf.all.disable_ipv6=0"]);
    let network = format!("--network=container:{}", server.id);
    let mut client = docker().load("client", &[&network]);
    let pid = server.pid();
    acknowledge_at_once(pid);
    let mut exporter = setup().start();
    let mut port = 7000;
    for (family, address, count) in [("ipv4", "127.0.0.1", 100_000), ("ipv6", "::1", 10_000)] {
        port += 1;
        server.load.run(&format!("listen {address} {port}"));
        let resets_before = snmp(pid, "Tcp", "OutRsts");
        let connect = format!("connect {address} {port}");
        let change = exporter.during(|| drop(client.load.run(&format!("cpus=0,1 {connect} {count}"))));
        let resets = snmp(pid, "Tcp", "OutRsts") - resets_before;

        let mut accepted = sockets(family, count, &[&PASSIVE_OPEN, &CLOSES_LAST], &["tcp_accepts"]);
        // An acknowledgement that comes twice finds the connection closed and the listener in its place.
        accepted.add(&format!("tcp_resets_sent family={family}"), resets);
        assert_rows(&change, &rows(&change, &server), &accepted, "the server");
        let connected = sockets(family, count, &[&ACTIVE_OPEN, &CLOSES_FIRST], &["tcp_connect_attempts"]);
        assert_rows(&change, &rows(&change, &client), &connected, "the client");
        assert_not_the_hosts(&mut exporter, &mut client, &format!("{connect} 100"), &["socket_", "tcp_"]);
    }
    assert_conserved(&exporter.scrape());
}

#[test]
#[ignore = "needs root and BTF"]
fn connections_that_fail() {
    let (mut exporter, mut a, b) = two_containers();
    let change = exporter.during(|| drop(a.load.run("cpus=0,1 connect-refused 127.0.0.1 9 1000")));
    let refused = ["closed", "syn_sent", "closed"];
    let and = ["tcp_connect_attempts", "tcp_connect_failures"];
    let own = rows(&change, &a).only(&["socket_", "tcp_connect", "tcp_accepts"]);
    assert_eq!(own, sockets("ipv4", 1000, &[&refused], &and));
    assert_eq!(rows(&change, &b), nothing());
}

#[test]
#[ignore = "needs root and BTF"]
fn a_listener() {
    let (mut exporter, mut a, _b) = two_containers();
    let change = exporter.during(|| drop(a.load.run("listen 127.0.0.1 7001")));
    let listening = sockets("ipv4", 1, &[&["closed", "listen"]], &[]);
    assert_eq!(rows(&change, &a).only(&["socket_", "tcp_"]), listening);
}
