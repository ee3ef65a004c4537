//! Whose an event is: every field that tells it, against what the kernel and the runtimes say.

use std::{fs, path::Path};

use doubleslit_testbed::{
    cgroup::Cgroup,
    containerd::{self, Containerd, PodSpec},
    docker, wait,
    watch::Watch,
};
use serde_json::json;

use super::{assert_attributes, is_of, text, watch};
use crate::harness::{self, BINARY};

/// A process's path in the hierarchy of version 2.
fn cgroup_of(pid: i32) -> String {
    let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).expect("the process runs");
    text.lines().find_map(|line| line.strip_prefix("0::")).expect("it is in that hierarchy").to_owned()
}

#[test]
#[ignore = "needs root and BTF"]
fn a_container_of_docker() {
    let mut container = harness::docker().load("owner", &[]);
    let watch = watch(&["--event", "exec"]);
    container.load.run("exec 1");
    let event = watch.await_event("the execution", |event| is_of(event, "exec", &container));
    let path = cgroup_of(container.pid());
    assert_attributes(
        &event,
        &json!({
            "container.id": container.id,
            "container.name": "owner",
            "container.runtime.name": "docker",
            "container.image.name": docker::IMAGE,
            "container.image.id": harness::docker().inspect(&container.id, "{{.Image}}"),
            "doubleslit.cgroup.path": path,
            "doubleslit.cgroup.id": Cgroup::create(&path).id(),
            "k8s.pod.name": null,
            "k8s.pod.uid": null,
            "k8s.namespace.name": null,
            "doubleslit.systemd.unit": null,
        }),
    );
}

#[test]
#[ignore = "needs root and BTF"]
fn a_unit_of_the_host() {
    const UNIT: &str = "doubleslit-owner.service";
    let path = format!("/{UNIT}");
    let cgroup = Cgroup::create(&path);
    let watch = watch(&["--event", "exec"]);
    cgroup.run(Path::new("/bin/true"), &["true"]);
    let event = watch.await_event("the execution", |event| text(event, "doubleslit.cgroup.path") == path);
    assert_attributes(
        &event,
        &json!({
            "doubleslit.systemd.unit": UNIT,
            "doubleslit.cgroup.id": cgroup.id(),
            "container.id": null,
            "container.name": null,
            "container.runtime.name": null,
            "container.image.name": null,
            "container.image.id": null,
        }),
    );
}

#[test]
#[ignore = "needs root and BTF"]
fn a_container_of_a_pod() {
    let containerd = Containerd::start();
    let spec = PodSpec { name: "owner-0", namespace: "shop", uid: "d0b1e511-0000-4000-8000-000000000077", labels: &[] };
    let pod = containerd.pod(&spec);
    let id = pod.container("main", &[], &["/bin/sleep", "1000000"]);
    let sockets = format!("{{docker: [], cri: [\"{0}\"], containerd: [\"{0}\"]}}", containerd.socket().display());
    let config = format!("identity: {{sockets: {sockets}}}");
    let watch = Watch::start(Path::new(BINARY), &config, &["--event", "exec"]);
    let mut executions = 0;
    let event = wait::until("the container has its name", || {
        executions += 1;
        let exec = executions.to_string();
        containerd.ctr("k8s.io", ["task", "exec", "--exec-id", &exec, &id, "/bin/true"]);
        let event = watch.await_event("the execution", |event| {
            text(event, "container.id") == id && text(event, "process.executable.path") == "/bin/true"
        });
        (!text(&event, "container.name").is_empty()).then_some(event)
    });
    let path = format!("{}/{id}", spec.cgroup());
    assert_attributes(
        &event,
        &json!({
            "container.name": "main",
            "container.runtime.name": "containerd",
            "container.image.name": containerd::IMAGE,
            "k8s.pod.name": spec.name,
            "k8s.pod.uid": spec.uid,
            "k8s.namespace.name": spec.namespace,
            "doubleslit.cgroup.path": path,
            "doubleslit.cgroup.id": Cgroup::create(&path).id(),
            "doubleslit.systemd.unit": null,
        }),
    );
    assert!(text(&event, "container.image.id").starts_with("sha256:"), "{event}");
}
