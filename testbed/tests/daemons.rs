//! What the testbed starts does start, and ends. Needs root: `cargo test -p doubleslit-testbed --test daemons -- --ignored --test-threads=1`.

use std::path::Path;

use doubleslit_testbed::{
    bare::Bare,
    cgroup::Cgroup,
    docker::{Docker, Hierarchy, IMAGE},
    network::Wire,
    static_binary,
};

#[test]
#[ignore = "needs root"]
fn docker_on_the_hosts_hierarchy() {
    docker(Hierarchy::Host);
}

#[test]
#[ignore = "needs root"]
fn docker_on_pure_v2() {
    docker(Hierarchy::PureV2);
}

fn docker(hierarchy: Hierarchy) {
    let docker = Docker::start(hierarchy);
    assert_eq!(docker.cli(["run", "--rm", "--network=none", IMAGE, "sh", "-c", "echo here"]), "here");
    let mut server = docker.load("server", &[]);
    let mut client = docker.load("client", &[]);
    assert_eq!(docker.inspect(&server.id, "{{.Name}}"), "/server");
    server.load.run("cpus=0,1 exec 100");

    let wire = Wire::between(server.pid(), client.pid());
    for (address, port) in [(Wire::IPV4[0], 7001), (Wire::IPV6[0], 7002)] {
        server.load.run(&format!("listen {address} {port}"));
        client.load.run(&format!("connect {address} {port} 10"));
        server.load.run(&format!("settle {port}"));
        client.load.run(&format!("reset {address} {port} 10"));
        server.load.run(&format!("settle {port}"));
    }
    assert_eq!(wire.snmp(1, "Tcp", "ActiveOpens"), 40);

    let (data, supervisor) = (docker.data_root(), docker.pid());
    let process = server.pid();
    drop((server, client));
    docker.load("again", &[]).load.run("fork 1");
    drop(docker);
    assert!(!data.exists());
    for pid in [supervisor, process] {
        assert!(!Path::new("/proc").join(pid.to_string()).exists(), "process {pid} is still there");
    }
}

#[test]
#[ignore = "needs root"]
fn cgroups_by_hand() {
    let (cgroup, id) = Cgroup::like_docker(1);
    assert_eq!(id.len(), 64);
    cgroup.run(static_binary::load(), &["exec", "10"]);
    assert!(cgroup.id() > 1);
}

#[test]
#[ignore = "needs root"]
fn containers_by_runc() {
    let runc = Bare::runc();
    for number in 0..10 {
        runc.run(&format!("d0b1e511{number:056x}"), &["/doubleslit-load", "exec", "3"]);
    }
}
