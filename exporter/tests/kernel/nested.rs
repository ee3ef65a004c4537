//! What runs containers or services of its own inside a container: all of them are part of the outermost one.

use std::fs;

use doubleslit_testbed::{
    cgroup::{Cgroup, v2_root},
    docker::{Docker, Hierarchy, IMAGE},
    exporter::Exporter,
    remote::Remote,
    rootfs::LOAD,
    scrape::{Labels, Scrape},
    wait,
};

use crate::harness::{
    INFO, STARTS, STOPS, assert_conserved, executions, failed, failures, info, lifecycle, nothing, setup_for,
};

/// Checks that there is one container at or below the cgroup of one of docker's, and what it is called.
fn assert_only(exporter: &mut Exporter, id: &str, name: &str) {
    let labels = info(exporter, &[("container_id", id)]);
    assert_eq!((labels["container"].as_str(), labels["runtime"].as_str()), (name, "docker"));
    let (scrape, path) = (exporter.scrape(), format!("/docker/{id}"));
    let is_there = |labels: &Labels| labels["cgroup_path"].starts_with(&path);
    assert_eq!(scrape.matching(INFO, &[]).filter(|(series, _)| is_there(&series.labels)).count(), 1);
}

/// All starts and stops, whosever.
fn every(change: &Scrape) -> (f64, f64) {
    (change.sum(STARTS, &[]), change.sum(STOPS, &[]))
}

/// Whether there is a cgroup in that of a container of docker's.
fn has_cgroup(id: &str, inside: &str) -> bool {
    v2_root().join("docker").join(id).join(inside).is_dir()
}

#[test]
#[ignore = "needs root and BTF"]
fn an_engine_in_a_container() {
    let docker = Docker::start(Hierarchy::PureV2);
    let mut exporter = setup_for(&docker).mounts_of(docker.pid()).start();
    let before = exporter.scrape();
    let (outer, inside) = docker.engine_inside("outer", &[]);
    let shared = outer.directory().join("inner");
    fs::create_dir(&shared).expect("a directory can be made");
    let inner = inside.run(&["--name=inner", "--volume=/served/inner:/served"], &[LOAD, "serve", "/served"]);
    let mut load = Remote::connect(&shared);
    assert!(has_cgroup(&outer.id, &format!("docker/{inner}")), "the inner container has a cgroup of its own");
    assert_only(&mut exporter, &outer.id, "outer");

    // One that comes later finds the cgroups as they are.
    let mut later = setup_for(&docker).mounts_of(docker.pid()).start();
    assert_only(&mut later, &outer.id, "outer");
    for exporter in [&mut exporter, &mut later] {
        let change = exporter.during(|| drop(load.run("cpus=0,1 exec 1000")));
        assert_eq!(change.rows(&[("container_id", &outer.id)]).only(&["process_"]), executions(1000));
    }
    drop(later);
    let change = exporter.during(|| drop(inside.cli(["exec", "inner", LOAD, "exit", "1", "7"])));
    assert_eq!(failed(&change, &outer.id), failures(7));
    inside.cli(["restart", "--time=0", "inner"]);
    inside.remove("inner");
    assert_eq!(every(&exporter.scrape().since(&before)), (1.0, 0.0));

    drop(outer);
    let change = exporter.scrape().since(&before);
    assert_eq!((lifecycle(&change, "outer"), every(&change)), ((1.0, 1.0), (1.0, 1.0)));
    assert_eq!(change.rows(&[("container_id", &inner)]), nothing());
    assert_conserved(&exporter.scrape());
}

/// Its containers are beside the one that it is in, as the host's own engine would make them.
#[test]
#[ignore = "needs root and BTF"]
fn an_engine_in_a_container_that_sees_the_hosts_cgroups() {
    let docker = Docker::start(Hierarchy::PureV2);
    let mut exporter = setup_for(&docker).mounts_of(docker.pid()).start();
    let (outer, inside) = docker.engine_inside("outer", &["--cgroupns=host"]);
    let inner = inside.cli(["create", "--network=none", IMAGE, LOAD, "exit", "1", "6"]);
    let change = exporter.during(|| drop(inside.cli(["start", "--attach", &inner])));
    assert_eq!(failed(&change, &inner), failures(6));
    assert_eq!(failed(&change, &outer.id), nothing());
    assert_eq!((lifecycle(&change, ""), lifecycle(&change, "outer")), ((1.0, 1.0), (0.0, 0.0)));
    assert_conserved(&exporter.scrape());
}

/// A service that serves a load, and one that ends with failures.
const UNITS: [(&str, &str); 3] = [
    ("test.target", "[Unit]\nDefaultDependencies=no\nWants=worker.service\n"),
    ("worker.service", "[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=/doubleslit-load serve /served/worker\n"),
    ("once.service", "[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\nExecStart=/doubleslit-load exit 1 9\n"),
];

#[test]
#[ignore = "needs root and BTF"]
fn systemd_in_a_container() {
    let docker = Docker::start(Hierarchy::PureV2);
    let mut exporter = setup_for(&docker).mounts_of(docker.pid()).start();
    let before = exporter.scrape();
    let units = tempfile::tempdir().expect("a directory can be made");
    for (name, text) in UNITS {
        fs::write(units.path().join(name), text).expect("a file can be written");
    }
    let volume = format!("--volume={}:/units:ro", units.path().display());
    let settings = ["--env=container=docker", "--env=SYSTEMD_UNIT_PATH=/units", "--env=SYSTEMD_GENERATOR_PATH=/none"];
    let machine = docker.machine(
        "machine",
        &[&settings[..], &[&volume]].concat(),
        &["sh", "-c", "mkdir /served/worker && exec /usr/lib/systemd/systemd --unit=test.target"],
    );
    let mut load = Remote::connect(&machine.directory().join("worker"));
    assert!(has_cgroup(&machine.id, "init.scope") && has_cgroup(&machine.id, "system.slice/worker.service"));
    assert_only(&mut exporter, &machine.id, "machine");

    let change = exporter.during(|| drop(load.run("cpus=0,1 exec 1000")));
    assert_eq!(change.rows(&[("container_id", &machine.id)]).only(&["process_"]), executions(1000));
    let change =
        exporter.during(|| drop(docker.cli(["exec", "machine", "/usr/bin/systemctl", "start", "once.service"])));
    assert_eq!(failed(&change, &machine.id), failures(9));
    // Not even a scope that looks like a container's.
    let (scope, id) = (["exec", "machine", "/usr/bin/systemd-run", "--scope"], Cgroup::docker_id(5));
    let unit = format!("--unit=docker-{id}.scope");
    let change = exporter.during(|| drop(docker.cli([&scope[..], &[&unit, LOAD, "exit", "1", "4"]].concat())));
    assert_eq!(failed(&change, &machine.id), failures(4));
    assert_eq!(failed(&change, &id), nothing());
    docker.cli(["exec", "machine", "/usr/bin/systemctl", "stop", "worker.service"]);
    wait::until("the service's cgroup goes", || {
        (!has_cgroup(&machine.id, "system.slice/worker.service")).then_some(())
    });
    assert_eq!(every(&exporter.scrape().since(&before)), (1.0, 0.0));

    drop(machine);
    let change = exporter.scrape().since(&before);
    assert_eq!((lifecycle(&change, "machine"), every(&change)), ((1.0, 1.0), (1.0, 1.0)));
    assert_conserved(&exporter.scrape());
}
