//! The working directory of what is executed.

use std::{fs, process::Command};

use doubleslit_testbed::static_binary;
use serde_json::{Value, json};

use super::{assert_attributes, is_of, text, watch};
use crate::harness::docker;

const PATH: &str = "process.working_directory";
const IS_CUT: &str = "doubleslit.process.working_directory.truncated";

/// A path of so many directories.
fn deep(count: usize) -> String {
    (0..count).map(|number| format!("/{number}")).collect()
}

#[test]
#[ignore = "needs root and BTF"]
fn as_its_process_sees_it() {
    let container = docker().load("directory", &["--tmpfs=/tmp/x/mounted"]);
    let longest = format!("/tmp/{}", "d".repeat(255));
    let paths = ["/", "/tmp/x", "/tmp/x/mounted", "/tmp/x/mounted/a b/c", "/dev/shm", &longest, &deep(100)];
    docker().cli([&["exec", "directory", "/bin/busybox", "mkdir", "-p"], &paths[..]].concat());
    let watch = watch(&["--event", "exec", "--cwd", "--select", "executable=true"]);
    for path in paths {
        docker().cli(["exec", "-w", path, "directory", "/bin/true"]);
        let event = watch.await_event("the execution", |event| is_of(event, "exec", &container));
        assert_attributes(&event, &json!({ PATH: path, IS_CUT: false }));
    }
}

#[test]
#[ignore = "needs root and BTF"]
fn below_another_root() {
    let container = docker().load("jail", &[]);
    let watch = watch(&["--event", "exec", "--cwd", "--select", "container=jail,cwd=/in/*"]);
    let script = "b=/bin/busybox; $b mkdir -p /jail/bin /jail/in/side && $b cp $b /jail/bin/ && \
                  $b chroot /jail /bin/busybox sh -c 'cd /in/side && exec /bin/busybox true'";
    docker().cli(["exec", "jail", "/bin/sh", "-c", script]);
    let event = watch.await_event("the execution", |event| is_of(event, "exec", &container));
    assert_attributes(&event, &json!({ PATH: "/in/side", IS_CUT: false }));
}

#[test]
#[ignore = "needs root and BTF"]
fn too_deep() {
    let container = docker().load("deep", &[]);
    let watch = watch(&["--event", "exec", "--cwd", "--select", "executable=true"]);
    let path = deep(200);
    docker().cli([
        "exec",
        "deep",
        "/bin/sh",
        "-c",
        &format!("/bin/busybox mkdir -p {path} && cd {path} && exec /bin/true"),
    ]);
    let event = watch.await_event("the execution", |event| is_of(event, "exec", &container));
    let rest = text(&event, PATH);
    assert!(path.ends_with(&format!("/{rest}")), "{rest}");
    assert_eq!(rest.split('/').count(), 128);
    assert_eq!(event[IS_CUT], true);
}

#[test]
#[ignore = "needs root and BTF"]
fn too_long() {
    let container = docker().load("long", &[]);
    let watch = watch(&["--event", "exec", "--cwd", "--select", "executable=true"]);
    for (count, told, is_cut) in [(14, 14, false), (15, 15, true), (17, 15, true)] {
        // Beyond PATH_MAX there is no other way than step by step.
        let script = format!(
            "i=0; while [ $i -lt {count} ]; do i=$((i + 1)); d=$(printf %0255d $i); \
             /bin/busybox mkdir -p $d; cd -P $d 2>/dev/null; done; exec /bin/true"
        );
        docker().cli(["exec", "-w", "/", "long", "/bin/sh", "-c", &script]);
        let event = watch.await_event("the execution", |event| is_of(event, "exec", &container));
        let names: Vec<_> = (count - told + 1..=count).map(|number| format!("{number:0255}")).collect();
        let path = format!("{}{}", if is_cut { "" } else { "/" }, names.join("/"));
        assert_attributes(&event, &json!({ PATH: path, IS_CUT: is_cut }));
    }
}

#[test]
#[ignore = "needs root and BTF"]
fn removed() {
    let container = docker().load("removed", &[]);
    let watch = watch(&["--event", "exec", "--cwd", "--select", "executable=true"]);
    let script =
        "b=/bin/busybox; $b mkdir -p /tmp/a/b && cd /tmp/a/b && $b rmdir /tmp/a/b && $b rmdir /tmp/a && exec /bin/true";
    docker().cli(["exec", "removed", "/bin/sh", "-c", script]);
    let event = watch.await_event("the execution", |event| is_of(event, "exec", &container));
    assert_attributes(&event, &json!({ PATH: "/tmp/a/b", IS_CUT: false }));
}

#[test]
#[ignore = "needs root and BTF"]
fn outside_its_root() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let [root, outside] = ["root", "outside"].map(|name| directory.path().join(name));
    for path in [&root, &outside] {
        fs::create_dir(path).expect("a directory can be made");
    }
    fs::copy(static_binary::load(), root.join("outside-its-root")).expect("a file can be copied");
    let watch = watch(&["--event", "exec", "--cwd", "--select", "executable=outside-its-root"]);
    // It stays where it was when it changes its root.
    let mut nsenter = Command::new("nsenter");
    nsenter.arg(format!("--root={}", root.display())).args(["/outside-its-root", "exec", "0"]).current_dir(&outside);
    assert!(nsenter.status().expect("it can be run").success());
    let event = watch.await_event("the execution", |_| true);
    let rest = outside.to_str().expect("a text").trim_start_matches('/');
    assert_attributes(&event, &json!({ PATH: rest, IS_CUT: true }));
}

#[test]
#[ignore = "needs root and BTF"]
fn only_when_asked_for() {
    let mut container = docker().load("no-directory", &[]);
    let watch = watch(&["--event", "exec"]);
    container.load.run("exec 1");
    let event = watch.await_event("the execution", |event| is_of(event, "exec", &container));
    assert_attributes(&event, &json!({ PATH: Value::Null, IS_CUT: Value::Null }));
}
