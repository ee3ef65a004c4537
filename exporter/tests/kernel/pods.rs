//! Pods and containers of containerd, named through sockets alone, and by files alone.

use std::path::Path;

use doubleslit_testbed::{
    containerd::{Containerd, IMAGE, PodSpec},
    exporter::{Exporter, Setup},
    host_root::HostRoot,
    rootfs,
    scrape::Labels,
    wait,
};

use crate::harness::{BINARY, assert_conserved, assert_labels, below, info};

const EXECS: &str = "doubleslit_process_execs_total";

fn pod<'a>(name: &'a str, uid: &'a str) -> PodSpec<'a> {
    PodSpec { name, namespace: "shop", uid, labels: &[("app", "web")] }
}

/// An exporter that does not know where this containerd keeps its files.
fn start(containerd: &Containerd) -> Exporter {
    let socket = containerd.socket();
    let mut exporter = Setup::new(Path::new(BINARY))
        .config("poll: {max_age: 0s}")
        .config(&format!("identity: {{sockets: {{cri: [\"{0}\"], containerd: [\"{0}\"]}}}}", socket.display()))
        .start();
    wait::until("both sources answer", || {
        let scrape = exporter.scrape();
        let is_up = |source| scrape.value("doubleslit_source_up", &[("source", source)]) == Some(1.0);
        (is_up("cri") && is_up("containerd")).then_some(())
    });
    exporter
}

/// Checks the identity of a container of a pod as files tell it.
fn assert_identity(exporter: &mut Exporter, spec: &PodSpec<'_>, id: &str, name: &str) -> Labels {
    let labels = info(exporter, &[("container_id", id), ("container", name)]);
    let expected = [
        ("namespace", spec.namespace),
        ("pod", spec.name),
        ("pod_uid", spec.uid),
        ("qos", "besteffort"),
        ("runtime", "containerd"),
        ("image", IMAGE),
        ("cgroup_path", &format!("{}/{id}", spec.cgroup())),
    ];
    assert_labels(&labels, &expected);
    labels
}

/// Checks the identity of a container of a pod, and that what it does counts there and nowhere else.
fn assert_container(exporter: &mut Exporter, spec: &PodSpec<'_>, id: &str, name: &str, execs: f64) {
    let labels = assert_identity(exporter, spec, id, name);
    assert!(labels["image_id"].starts_with("sha256:"), "{labels:?}");
    let own = [("namespace", spec.namespace), ("pod", spec.name), ("container", name), ("container_id", id)];
    wait::until("the container has done its work", || {
        let scrape = exporter.scrape();
        assert_eq!(scrape.value(EXECS, &own).unwrap_or_default(), scrape.sum(EXECS, &[("container_id", id)]));
        // runc executes itself inside the container before it executes the load.
        (execs..execs + 10.0).contains(&scrape.sum(EXECS, &own)).then_some(())
    });
}

#[test]
#[ignore = "needs root and BTF"]
fn pods_and_containers_of_containerd() {
    let containerd = Containerd::start();
    let there = pod("web-0", "d0b1e511-0000-4000-8000-000000000003");
    let before = containerd.pod(&there);
    let main = before.container("main", &[], &["/bin/sleep", "1000000"]);
    let mut exporter = start(&containerd);
    assert_container(&mut exporter, &there, &main, "main", 0.0);

    let comes = pod("web-1", "d0b1e511-0000-4000-8000-000000000004");
    let after = containerd.pod(&comes);
    let work = format!("{} exec 500; exec /bin/sleep 1000000", rootfs::LOAD);
    let main = after.container("main", &[], &["/bin/sh", "-c", &work]);
    let sidecar = after.container("sidecar", &[], &["/bin/sleep", "1000000"]);
    assert_container(&mut exporter, &comes, &main, "main", 500.0);
    assert_container(&mut exporter, &comes, &sidecar, "sidecar", 0.0);

    // The sandbox is the pod, not one of its containers.
    let sandbox = exporter.scrape();
    assert_eq!(sandbox.sum(EXECS, &[("container_id", &after.id)]), 0.0);
    assert!(sandbox.sum(EXECS, &[("pod", "web-1"), ("container", ""), ("container_id", "")]) >= 1.0);

    containerd.run_container("d0b1e5", &["--label=nerdctl/name=cache"], &["/bin/sleep", "1000000"]);
    let labels = info(&mut exporter, &[("container_id", "d0b1e5"), ("container", "cache")]);
    assert_eq!((labels["runtime"].as_str(), labels["image"].as_str()), ("containerd", IMAGE));
    assert_conserved(&exporter.scrape());
}

#[test]
#[ignore = "needs root and BTF"]
fn pods_and_containers_of_containerd_by_files() {
    let containerd = Containerd::start();
    let there = pod("files-0", "d0b1e511-0000-4000-8000-000000000007");
    let before = containerd.pod(&there);
    let main = before.container("main", &[], &["/bin/sleep", "1000000"]);
    let root = HostRoot::with(&[(&containerd.run(), "/run")]);
    let mut exporter = below(&root);
    assert_identity(&mut exporter, &there, &main, "main");

    let comes = pod("files-1", "d0b1e511-0000-4000-8000-000000000008");
    let after = containerd.pod(&comes);
    for name in ["main", "sidecar"] {
        let id = after.container(name, &[], &["/bin/sleep", "1000000"]);
        assert_identity(&mut exporter, &comes, &id, name);
    }
    containerd.run_container("d0b1e6", &[], &["/bin/sleep", "1000000"]);
    let labels = info(&mut exporter, &[("container_id", "d0b1e6"), ("container", "d0b1e6")]);
    assert_eq!((labels["runtime"].as_str(), labels["image"].as_str()), ("containerd", ""));
    assert_conserved(&exporter.scrape());
}
