//! Names of containers from the files that real runtimes keep.

use std::{os::unix::fs::chown, path::Path};

use doubleslit_testbed::{
    exporter::Setup,
    host_root::HostRoot,
    podman::{self, Podman},
    remote::Remote,
    rootfs,
};

use crate::harness::{
    BINARY, assert_conserved, assert_labels, below, docker, executions, info, lifecycle_of, nothing, setup,
};

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
    podman.cli(["rm", "--force", "--time=0", "comes-later"]);
    let change = exporter.scrape().since(&start);
    assert_eq!(lifecycle_of(&change, "comes-later", "podman"), (1.0, 1.0));
    assert_eq!(lifecycle_of(&change, "there-before", "podman"), (0.0, 0.0));
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

/// The machine's list of users tells where a user's podman keeps its files.
#[test]
#[ignore = "needs root and BTF"]
fn containers_of_an_ordinary_users_podman() {
    if let Some(why) = podman::no_user_namespaces() {
        println!("skipped: {why}");
        return;
    }
    let podman = Podman::rootless();
    let image_id = podman.cli(["image", "inspect", "--format", "{{.Id}}", podman::IMAGE]);
    let before = podman.run(&["--name=there-before"], &["sleep", "1000"]);
    let mut exporter = Setup::new(Path::new(BINARY)).config("poll: {max_age: 0s}").mounts_of(podman.pid()).start();
    let start = exporter.scrape();
    let served = tempfile::tempdir().expect("a directory can be made");
    chown(served.path(), Some(podman::USER), None).expect("root may give it away");
    let volume = format!("--volume={}:/served", served.path().display());
    let after = podman.run(&["--name=comes-later", &volume], &[rootfs::LOAD, "serve", "/served"]);
    for (name, id) in [("there-before", before.as_str()), ("comes-later", after.as_str())] {
        assert_labels(
            &info(&mut exporter, &[("container", name)]),
            &[
                ("container_id", id),
                ("runtime", "podman"),
                ("image", podman::IMAGE),
                ("image_id", &image_id),
                ("cgroup_path", &format!("{}/containers/libpod-{id}", podman::user_cgroup())),
            ],
        );
    }
    let mut load = Remote::connect(served.path());
    let change = exporter.during(|| drop(load.run("exec 100")));
    assert_eq!(change.rows(&[("container_id", &after)]).only(&["process_"]), executions(100));
    assert_eq!(change.rows(&[("container_id", &before)]), nothing());
    podman.cli(["rm", "--force", "--time=0", "comes-later"]);
    let change = exporter.scrape().since(&start);
    assert_eq!(lifecycle_of(&change, "comes-later", "podman"), (1.0, 1.0));
    assert_eq!(lifecycle_of(&change, "there-before", "podman"), (0.0, 0.0));
    assert_conserved(&exporter.scrape());
}
