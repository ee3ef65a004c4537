//! Events of containers that start and stop: exactly one of each.

use std::{collections::BTreeMap, path::Path};

use doubleslit_testbed::{
    cgroup::Cgroup,
    containerd::{Containerd, PodSpec},
    podman::Podman,
    static_binary,
    watch::Watch,
};
use serde_json::{Value, json};

use super::{await_names, text, watch};
use crate::harness::{BINARY, docker};

const KINDS: [&str; 2] = ["--event", "container_start,container_stop"];

/// The events of containers, by their ids. It watches until a container of its own, the last one, has stopped.
fn by_container(watch: &Watch) -> BTreeMap<String, Vec<Value>> {
    let (cgroup, last) = Cgroup::like_docker(0x5000);
    drop(cgroup);
    let is_last = |event: &Value| text(event, "event") == "container_stop" && text(event, "container.id") == last;
    let mut containers: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for event in watch.await_events_until("the last container has stopped", is_last) {
        // A service has none.
        assert_ne!(text(&event, "container.id"), "", "{event}");
        containers.entry(text(&event, "container.id").to_owned()).or_default().push(event);
    }
    containers
}

/// Checks that there is one start and one stop. Returns the stop.
fn one_life<'a>(containers: &'a BTreeMap<String, Vec<Value>>, id: &str, name: &str) -> &'a Value {
    let events = containers.get(id).unwrap_or_else(|| panic!("no events of {name}"));
    let kinds: Vec<_> = events.iter().map(|event| text(event, "event")).collect();
    assert_eq!(kinds, ["container_start", "container_stop"], "{name}: {events:?}");
    for event in events {
        assert_eq!(text(event, "container.name"), name, "{event}");
        assert!(text(event, "doubleslit.cgroup.path").ends_with(id), "{event}");
    }
    assert_eq!(events[0].get("process.exit.code"), None);
    let lifetime = events[1]["doubleslit.container.lifetime_seconds"].as_f64();
    assert!(lifetime.is_some_and(|seconds| (0.0..60.0).contains(&seconds)), "{events:?}");
    &events[1]
}

fn how(stop: &Value) -> (&Value, &str) {
    (&stop["process.exit.code"], text(stop, "doubleslit.container.stop.reason"))
}

#[test]
#[ignore = "needs root and BTF"]
fn every_way_to_stop() {
    let watch = watch(&KINDS);
    let limited = ["--memory=32m", "--memory-swap=32m"];
    let mut expected = Vec::new();
    let mut run = |name: &'static str, options: &[&str], command: &[&str], code: i32, reason: &'static str| {
        let id = docker().run(&[options, &["--name", name]].concat(), command);
        expected.push((id.clone(), name, code, reason));
        id
    };
    let ends = [
        run("exit-0", &[], &["true"], 0, "exited"),
        run("exit-3", &[], &["sh", "-c", "exit 3"], 3, "exited"),
        run("out-of-memory", &limited, &["tail", "/dev/zero"], 137, "oom"),
        run("short-1", &[], &["sleep", "0.1"], 0, "exited"),
        run("short-2", &[], &["sleep", "0.1"], 0, "exited"),
        run("without-namespace", &["--pid=host"], &["sleep", "0.1"], 0, "exited"),
    ];
    let killed = run("killed", &[], &["sleep", "1000000"], 137, "killed");
    docker().cli(["kill", &killed]);
    let stopped = run("stopped", &[], &["sleep", "1000000"], 137, "killed");
    docker().cli(["stop", "--time=0", &stopped]);
    ends.iter().chain([&killed, &stopped]).for_each(|id| drop(docker().cli(["wait", id])));
    let containers = by_container(&watch);
    for (id, name, code, reason) in &expected {
        assert_eq!(how(one_life(&containers, id, name)), (&json!(code), *reason), "{name}");
        docker().remove(id);
    }
}

/// What goes on inside a container, beside it, and what was there before, are no starts.
#[test]
#[ignore = "needs root and BTF"]
fn nothing_else_starts_or_stops() {
    let before = docker().load("before", &[]);
    let _slice = Cgroup::create("/system.slice");
    let watch = watch(&KINDS);
    let mut inside = docker().load("inside", &[]);
    let (pid, id) = (inside.pid(), inside.id.clone());
    let namespaces: BTreeMap<_, _> = ["net", "ipc", "uts", "mnt", "pid", "user", "cgroup"]
        .map(|kind| (kind, inode(&format!("/proc/{pid}/ns/{kind}"))))
        .into();
    inside.load.run("cpus=0,1 fork 1000");
    inside.load.run("threads 1000");
    inside.load.run("exec 100");
    docker().cli(["exec", &id, "/bin/true"]);
    drop(Cgroup::create("/system.slice/some.service"));
    Cgroup::create(&format!("/docker/{id}/inner")).run(static_binary::load(), &["exec", "7"]);
    drop(inside);
    let old = before.id.clone();
    drop(before);
    let containers = by_container(&watch);

    let stop = one_life(&containers, &id, "inside");
    assert!(!text(stop, "doubleslit.container.stop.reason").is_empty(), "{stop}");
    let start = &containers[&id][0];
    assert_eq!(start["process.pid"], json!(pid), "{start}");
    for (kind, inode) in namespaces {
        assert_eq!(start[format!("doubleslit.namespace.{kind}")], json!(inode), "{kind}: {start}");
    }
    let of_old: Vec<_> = containers[&old].iter().map(|event| text(event, "event")).collect();
    assert_eq!(of_old, ["container_stop"]);
}

fn inode(path: &str) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(path).expect("the process is there").ino()
}

/// A container that is removed while it runs: the engine's files are gone as soon as it is, but its socket tells.
#[test]
#[ignore = "needs root and BTF"]
fn removed_while_it_runs() {
    let socket = docker().socket();
    let config = format!(
        "identity: {{docker_root: /nonexistent, sockets: {{docker: [\"{}\"], cri: [], containerd: []}}}}",
        socket.display()
    );
    let watch = Watch::start(Path::new(BINARY), &config, &KINDS);
    await_names(&watch, || docker().run(&["--rm"], &["true"]));
    let id = docker().run(&["--name=removed"], &["sleep", "1000000"]);
    docker().remove(&id);
    let gone = docker().run(&["--name=vanishes", "--rm"], &["sh", "-c", "exit 3"]);
    let is_stop = |event: &Value| text(event, "event") == "container_stop" && text(event, "container.id") == gone;
    let mut containers: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for event in watch.await_events_until("the container has vanished", is_stop) {
        containers.entry(text(&event, "container.id").to_owned()).or_default().push(event);
    }
    for (id, more) in by_container(&watch) {
        containers.entry(id).or_default().extend(more);
    }
    assert_eq!(how(one_life(&containers, &id, "removed")), (&json!(137), "killed"));
    assert_eq!(how(one_life(&containers, &gone, "vanishes")), (&json!(3), "exited"));

    // Of a cgroup without a runtime nobody tells anything.
    let last = &containers[&Cgroup::docker_id(0x5000)];
    assert_eq!(how(&last[1]), (&Value::Null, "removed"));
}

#[test]
#[ignore = "needs root and BTF"]
fn of_other_engines() {
    let (podman, containerd) = (Podman::start(), Containerd::start());
    let sockets = format!(
        "docker: [\"{}\"], cri: [\"{1}\"], containerd: [\"{1}\"]",
        podman.socket().display(),
        containerd.socket().display()
    );
    let config = format!("identity: {{docker_root: /nonexistent, sockets: {{{sockets}}}}}");
    let watch = Watch::start(Path::new(BINARY), &config, &KINDS);
    await_names(&watch, || podman.run(&["--rm"], &["true"]));
    let first = PodSpec { name: "web-1", namespace: "shop", uid: "d0b1e511-0000-4000-8000-00000000000a", labels: &[] };
    await_names(&watch, || containerd.pod(&first).container("first", &[], &["/bin/true"]));
    let of_podman = podman.run(&["--name=of-podman"], &["sh", "-c", "exit 3"]);
    podman.cli(["wait", &of_podman]);
    let spec = PodSpec { name: "web-0", namespace: "shop", uid: "d0b1e511-0000-4000-8000-000000000009", labels: &[] };
    let pod = containerd.pod(&spec);
    let killed = pod.container("main", &[], &["/bin/sleep", "1000000"]);
    pod.stop(&killed);
    drop(pod);
    let containers = by_container(&watch);
    assert_eq!(how(one_life(&containers, &of_podman, "of-podman")), (&json!(3), "exited"));
    assert_eq!(how(one_life(&containers, &killed, "main")), (&json!(137), "killed"));
    // The pod's sandbox is no container.
    let own = |event: &&Value| text(event, "k8s.pod.uid") == spec.uid;
    assert_eq!(containers.values().flatten().filter(own).count(), 2);
}
