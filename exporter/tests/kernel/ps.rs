//! `doubleslit ps` beside a real engine, without an exporter that runs.

use std::{collections::BTreeSet, path::Path, process::Command};

use doubleslit_testbed::{cgroup::Cgroup, docker::LoadContainer, shell, static_binary};
use serde_json::Value;

use crate::harness::{BINARY, docker};

/// What the command prints to standard output and error.
fn ps_with(setting: &str, value: &Path, arguments: &[&str]) -> (String, String) {
    let mut command = Command::new(BINARY);
    let output = shell::output(command.arg("ps").args(arguments).env(setting, value));
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    let (printed, error) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "{error}");
    (printed, error)
}

/// What it prints where it finds the files of the tests' own engine.
fn ps(arguments: &[&str]) -> String {
    ps_with("DOUBLESLIT_IDENTITY__DOCKER_ROOT", &docker().data_root(), arguments).0
}

fn json() -> Vec<Value> {
    serde_json::from_str(&ps(&["--output=json"])).expect("a list")
}

/// The ids of that engine's containers. The machine may have others, of which that engine's files do not tell the name.
fn listed() -> BTreeSet<String> {
    let own = |container: &Value| container["sources"]["container"] == "docker";
    let id = |container: &Value| container["container_id"].as_str().expect("an id").to_owned();
    json().iter().filter(|container| own(container)).map(id).collect()
}

/// What the engine says.
fn running() -> BTreeSet<String> {
    docker().cli(["ps", "--quiet", "--no-trunc"]).lines().map(str::to_owned).collect()
}

fn find(container: &LoadContainer<'_>) -> Value {
    let found = json().into_iter().find(|other| other["container_id"] == container.id.as_str());
    found.unwrap_or_else(|| panic!("`{}` is not listed", container.name))
}

#[test]
#[ignore = "needs root"]
fn lists_what_the_engine_lists() {
    assert_eq!(listed(), running());
    let (a, b, c) = (docker().load("alpha", &[]), docker().load("beta", &[]), docker().load("gamma", &[]));
    docker().cli(["pause", &b.id]);
    docker().cli(["stop", "--time=0", &c.id]);
    let expected = BTreeSet::from([a.id.clone(), b.id.clone()]);
    assert_eq!((listed(), running()), (expected.clone(), expected));
    docker().cli(["unpause", &b.id]);
    drop(a);
    assert_eq!((listed(), running()), (BTreeSet::from([b.id.clone()]), BTreeSet::from([b.id.clone()])));
}

#[test]
#[ignore = "needs root"]
fn tells_what_docker_tells() {
    let container = docker().load("known", &[]);
    let found = find(&container);
    let path = format!("/docker/{}", container.id);
    for (field, expected) in [
        ("container", "known"),
        ("runtime", "docker"),
        ("image", "testbed:latest"),
        ("image_id", &docker().inspect(&container.id, "{{.Image}}")),
        ("cgroup", &path),
    ] {
        assert_eq!(found[field], *expected, "{field}");
    }
    let started = docker().inspect(&container.id, "{{.State.StartedAt}}");
    assert_eq!(found["started"].as_str().map(|time| &time[..23]), Some(&started[..23]), "to the millisecond");
    for (field, source) in
        [("container", "docker"), ("image", "docker"), ("started", "docker"), ("container_id", "path")]
    {
        assert_eq!(found["sources"][field], source, "{field}");
    }
}

/// The files of the tests' own engine are elsewhere than docker's usually are: without the socket there are no names.
#[test]
#[ignore = "needs root"]
fn waits_for_what_a_socket_tells() {
    const SOCKETS: &str = "DOUBLESLIT_IDENTITY__SOCKETS__DOCKER";
    let container = docker().load("asked", &[]);
    let find = |text: &str| {
        let found: Vec<Value> = serde_json::from_str(text).expect("a list");
        found.into_iter().find(|other| other["container_id"] == container.id.as_str()).expect("it is listed")
    };
    let (text, error) = ps_with(SOCKETS, &docker().socket(), &["-o", "json"]);
    let found = find(&text);
    assert_eq!([&found["container"], &found["sources"]["container"]], ["asked", "docker_api"], "{error}");
    assert!(!error.contains("does not answer"), "{error}");

    let (text, error) = ps_with(SOCKETS, Path::new("/nonexistent"), &["-o", "json"]);
    assert_eq!(find(&text)["container"], Value::Null);
    assert!(error.contains("a socket of the source `docker_api` does not answer"), "{error}");
}

/// Processes count wherever in the container they are.
#[test]
#[ignore = "needs root"]
fn counts_processes() {
    let (cgroup, id) = Cgroup::like_docker(0x4000);
    let _between = Cgroup::create(&format!("/docker/{id}/a"));
    let nested = Cgroup::create(&format!("/docker/{id}/a/b"));
    let processes = || {
        let found = json().into_iter().find(|container| container["container_id"] == id.as_str());
        found.expect("it is listed")["processes"].as_u64()
    };
    assert_eq!(processes(), Some(0));
    let sleep = ["sleep", "600000"];
    // Dropping a cgroup kills what is in it.
    let _ = (cgroup.spawn(static_binary::load(), &sleep), nested.spawn(static_binary::load(), &sleep));
    assert_eq!(processes(), Some(2));
    drop(nested);
    assert_eq!(processes(), Some(1));
}

#[test]
#[ignore = "needs root"]
fn prints_a_table() {
    let container = docker().load("table", &[]);
    let line = |text: &str| {
        let line = text.lines().find(|line| line.contains("table")).expect("it is listed");
        line.split("   ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    let text = ps(&[]);
    assert!(text.starts_with("CONTAINER ID   "), "{text}");
    let short = &container.id[..12];
    let cells = line(&text);
    assert_eq!(cells[..3], [short, "testbed:latest", "docker"], "{text}");
    assert!(cells[3].ends_with(" ago") || cells[3] == "just now", "{text}");
    assert_eq!(cells[4..], ["1", "table", &format!("/docker/{short}…")], "{text}");

    let cells = line(&ps(&["--no-trunc", "--sources"]));
    assert_eq!([&cells[0], &cells[6]], [&container.id, &format!("/docker/{}", container.id)]);
    assert!(cells[7].contains("docker=container,"), "{cells:?}");
}

/// A reader that leaves early is no failure.
#[test]
#[ignore = "needs root"]
fn a_reader_may_leave() {
    let script = format!("{} ps | true; echo ${{PIPESTATUS[0]}}", Path::new(BINARY).display());
    assert_eq!(shell::run("bash", ["-c", &script]), "0");
}
