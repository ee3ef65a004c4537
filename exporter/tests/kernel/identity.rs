//! Names of containers from the files that real runtimes keep.

use std::path::Path;

use doubleslit_testbed::{
    exporter::{Exporter, Setup},
    host_root::HostRoot,
    podman::{self, Podman},
    runc::Runc,
    scrape::{Labels, Scrape},
};

use crate::harness::{BINARY, STARTS, assert_conserved, docker, info, setup};

/// An exporter of the machine with this root.
fn below(root: &HostRoot) -> Exporter {
    Setup::new(Path::new(BINARY))
        .config("poll: {max_age: 0s}")
        .config(&format!("identity: {{host_root: \"{}\"}}", root.path().display()))
        .mounts_of(root.pid())
        .start()
}

fn assert_labels(labels: &Labels, expected: &[(&str, &str)]) {
    for (label, value) in expected {
        assert_eq!(labels.get(*label).map(String::as_str), Some(*value), "{label} of {labels:?}");
    }
}

fn starts(scrape: &Scrape, name: &str, runtime: &str) -> f64 {
    scrape.sum(STARTS, &[("container", name), ("runtime", runtime)])
}

#[test]
#[ignore = "needs root and BTF"]
fn containers_of_docker() {
    let container = docker().load("named-by-docker", &[]);
    let image_id = docker().inspect(&container.id, "{{.Image}}");
    let mut exporter = setup().start();
    assert_labels(
        &info(&mut exporter, &[("container", "named-by-docker")]),
        &[
            ("container_id", &container.id),
            ("runtime", "docker"),
            ("image", "testbed:latest"),
            ("image_id", &image_id),
            ("cgroup_path", &format!("/docker/{}", container.id)),
        ],
    );
}

#[test]
#[ignore = "needs root and BTF"]
fn containers_of_podman() {
    let podman = Podman::start();
    let image_id = podman.cli(["image", "inspect", "--format", "{{.Id}}", podman::IMAGE]);
    let root = HostRoot::with(&[(&podman.storage(), "/var/lib/containers/storage")]);
    let before = podman.run(&["--name", "there-before"], &["sleep", "1000"]);
    let mut exporter = below(&root);
    let start = exporter.scrape();
    let after = podman.run(&["--name", "comes-later"], &["sleep", "1000"]);
    for (name, id) in [("there-before", before), ("comes-later", after)] {
        assert_labels(
            &info(&mut exporter, &[("container", name)]),
            &[
                ("container_id", &id),
                ("runtime", "podman"),
                ("image", podman::IMAGE),
                ("image_id", &image_id),
                ("cgroup_path", &format!("/libpod_parent/libpod-{id}")),
            ],
        );
    }
    let change = exporter.scrape().since(&start);
    assert_eq!((starts(&change, "comes-later", "podman"), starts(&change, "there-before", "podman")), (1.0, 0.0));
    assert_conserved(&exporter.scrape());
}

/// The exporter does not know where this podman keeps its files.
#[test]
#[ignore = "needs root and BTF"]
fn containers_of_podman_by_its_socket() {
    let podman = Podman::start();
    let image_id = podman.cli(["image", "inspect", "--format", "{{.Id}}", podman::IMAGE]);
    let before = podman.run(&["--name", "socket-before"], &["sleep", "1000"]);
    let mut exporter = Setup::new(Path::new(BINARY))
        .config("poll: {max_age: 0s}")
        .config(&format!("identity: {{sockets: {{docker: [\"{}\"]}}}}", podman.socket().display()))
        .start();
    info(&mut exporter, &[("container", "socket-before")]);
    let after = podman.run(&["--name", "socket-later"], &["sleep", "1000"]);
    for (name, id) in [("socket-before", before), ("socket-later", after)] {
        let labels = info(&mut exporter, &[("container", name)]);
        assert_labels(&labels, &[("container_id", &id), ("runtime", "podman"), ("image", podman::IMAGE)]);
        assert_eq!(labels["image_id"].trim_start_matches("sha256:"), image_id);
    }
    assert_conserved(&exporter.scrape());
}

/// Only the state that runc writes after it has made the cgroup tells that there is a container.
#[test]
#[ignore = "needs root and BTF"]
fn containers_of_runc_alone() {
    let runc = Runc::new();
    let root = HostRoot::with(&[(&runc.state(), "/run/runc")]);
    let before = runc.start("there-before", "/ds-bare-one", &["sleep", "1000"]);
    let mut exporter = below(&root);
    let start = exporter.scrape();
    let after = runc.start("comes-later", "/ds-bare-two", &["sleep", "1000"]);
    for (name, cgroup) in [("there-before", "/ds-bare-one"), ("comes-later", "/ds-bare-two")] {
        assert_labels(
            &info(&mut exporter, &[("container", name)]),
            &[("container_id", name), ("runtime", "runc"), ("image", ""), ("cgroup_path", cgroup)],
        );
    }
    let scrape = exporter.scrape();
    let started = scrape.value("doubleslit_container_start_time_seconds", &[("container", "there-before")]);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs_f64();
    assert!(started.is_some_and(|started| (now - 60.0..=now).contains(&started)), "{started:?}, now {now}");
    let change = scrape.since(&start);
    assert_eq!((starts(&change, "comes-later", "runc"), starts(&change, "there-before", "runc")), (1.0, 0.0));
    assert_conserved(&scrape);
    drop((before, after));
}
