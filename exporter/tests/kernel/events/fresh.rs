//! Events of containers that have only just come into being.

use std::path::Path;

use doubleslit_testbed::watch::Watch;

use super::{await_names, text, watch};
use crate::harness::{BINARY, docker};

/// Runs containers that end at once. Every event that one of them owns must have its name.
fn assert_named(watch: &Watch, prefix: &str) {
    for number in 0..20 {
        let name = format!("{prefix}-{number}");
        let id = docker().run(&["--name", &name], &["true"]);
        let is_last = |event: &serde_json::Value| {
            text(event, "container.id") == id && text(event, "process.executable.path") == "/bin/true"
        };
        let events = watch.await_events_until("the container's program", is_last);
        assert!(events.iter().all(|event| !text(event, "doubleslit.cgroup.path").is_empty()), "{events:#?}");
        for event in events.iter().filter(|event| text(event, "doubleslit.cgroup.path").contains(&id)) {
            assert_eq!((text(event, "container.id"), text(event, "container.name")), (id.as_str(), name.as_str()));
        }
        docker().cli(["wait", &id]);
        docker().remove(&id);
    }
}

#[test]
#[ignore = "needs root and BTF"]
fn have_names_from_files() {
    assert_named(&watch(&["--event", "exec"]), "by-file");
}

#[test]
#[ignore = "needs root and BTF"]
fn have_names_from_a_socket() {
    let sockets = format!("sockets: {{docker: [\"{}\"], cri: [], containerd: []}}", docker().socket().display());
    let config = format!("identity: {{docker_root: /nonexistent, {sockets}}}");
    let watch = Watch::start(Path::new(BINARY), &config, &["--event", "exec"]);
    await_names(&watch, || docker().run(&["--rm"], &["true"]));
    assert_named(&watch, "by-socket");
}
