//! The API: traces and live events of real containers.

mod command;
mod doors;
mod paths;
mod streams;

use std::collections::BTreeMap;

use doubleslit_testbed::docker::LoadContainer;
use serde_json::{Value, json};

/// What traces ask for here: executions in containers with these names.
fn execs(containers: &[&str]) -> Value {
    json!({ "containers": containers, "events": ["exec"] })
}

/// Whether it is the execution that a load does after all others.
pub(crate) fn is_last(event: &Value) -> bool {
    event["process.executable.path"].as_str().is_some_and(|path| path.starts_with("/dev/fd/"))
}

/// A number of executions, and then the last one.
fn execute(container: &mut LoadContainer<'_>, count: u64) {
    container.load.run(&format!("exec {count}"));
    container.load.run("execveat 1");
}

/// Checks that events are executions of a container, so many.
pub(crate) fn assert_executions(events: &[Value], container: &LoadContainer<'_>, count: usize) {
    for event in events {
        assert_eq!((&event["event"], &event["container.id"]), (&json!("exec"), &json!(container.id)), "{event}");
    }
    let mut programs = BTreeMap::new();
    events.iter().for_each(|event| *programs.entry(event["process.executable.path"].as_str()).or_insert(0) += 1);
    assert_eq!(events.len(), count, "{programs:?}");
}
