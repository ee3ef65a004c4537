//! The working directory of what is executed.

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
fn only_when_asked_for() {
    let mut container = docker().load("no-directory", &[]);
    let watch = watch(&["--event", "exec"]);
    container.load.run("exec 1");
    let event = watch.await_event("the execution", |event| is_of(event, "exec", &container));
    assert_attributes(&event, &json!({ PATH: Value::Null, IS_CUT: Value::Null }));
}
