//! Everything that is executed until a container runs.

use doubleslit_testbed::{docker::IMAGE, shell};
use serde_json::Value;

use super::{text, watch};
use crate::harness::docker;

/// What an engine executes for a container, from the client to the container's own program.
const CHAIN: [&str; 5] = ["/docker", "/containerd-shim-runc-v2", "/runc", "/proc/self/exe", "/bin/sleep"];

#[test]
#[ignore = "needs root and BTF"]
fn from_the_client_to_the_containers_program() {
    docker();
    let watch = watch(&["--event", "exec"]);
    let mut client = docker().command();
    client.args(["run", "--detach", "--network=none", "--name=chain", IMAGE, "sleep", "3600"]);
    let id = String::from_utf8(shell::output(&mut client).stdout).expect("text").trim().to_owned();
    let path = |event: &Value| text(event, "process.executable.path").to_owned();
    let is_the_containers = |event: &Value| text(event, "container.id") == id;
    let events = watch
        .await_events_until("the container's program", |event| is_the_containers(event) && path(event) == "/bin/sleep");
    docker().remove(&id);

    let mut paths = events.iter().map(path);
    for link in CHAIN {
        assert!(paths.any(|path| path.ends_with(link)), "`{link}` in its place in {events:#?}");
    }
    let first = events.iter().position(is_the_containers).expect("at least the last one");
    let (before, own) = events.split_at(first);
    for event in before {
        assert_ne!(text(event, "container.name"), "chain", "{event}");
    }
    let own: Vec<_> = own.iter().filter(|event| is_the_containers(event)).collect();
    assert!(own.iter().all(|event| text(event, "container.name") == "chain"), "{own:#?}");
    // What comes before the container's own program is runc, which executes itself where the container will be.
    let (last, runc) = own.split_last().expect("at least the last one");
    assert!(runc.iter().all(|event| path(event).starts_with("/proc/self/")), "{own:#?}");
    assert!(runc.iter().all(|event| event["process.pid"] == last["process.pid"]), "{own:#?}");
}
