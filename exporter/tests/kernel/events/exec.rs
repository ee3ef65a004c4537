//! Events of executions.

use serde_json::json;

use super::{assert_attributes, is_of, text, watch};
use crate::harness::docker;

#[test]
#[ignore = "needs root and BTF"]
fn a_hundred_arguments_and_a_long_path() {
    let container = docker().load("exec-event", &[]);
    let watch = watch(&["--event", "exec", "--args"]);
    let directory = format!("/tmp/{}", "d".repeat(190));
    let path = format!("{directory}/true");
    let script = format!("mkdir -p {directory} && cp /bin/busybox {path} && exec {path} $(seq 1 99)");
    docker().cli(["exec", "exec-event", "/bin/sh", "-c", &script]);
    let event = watch.await_event("the long path", |event| text(event, "process.executable.path") == path);
    let arguments: Vec<String> =
        std::iter::once(path.clone()).chain((1..100).map(|number| number.to_string())).collect();
    assert_eq!(event["process.command_args"], json!(arguments));
    assert_eq!(event["process.args_count"], 100);
    assert_eq!(event["doubleslit.process.command_args.truncated"], false);
    assert_eq!(event["container.id"], json!(container.id));
    assert_eq!(event["container.name"], "exec-event");
}

#[test]
#[ignore = "needs root and BTF"]
fn a_script() {
    let container = docker().load("script", &[]);
    let watch = watch(&["--event", "exec"]);
    let script = "printf '#!/bin/sh\\n' > /tmp/script && chmod +x /tmp/script && exec /tmp/script one";
    docker().cli(["exec", "script", "/bin/sh", "-c", script]);
    let event = watch.await_event("the script", |event| text(event, "process.executable.path") == "/tmp/script");
    assert_attributes(
        &event,
        &json!({
            "container.id": container.id,
            "process.executable.name": "script",
            "doubleslit.process.interpreter": "/bin/sh",
            "doubleslit.process.comm": "script",
            // What the interpreter is given: its own name, the script's, and the script's argument.
            "process.args_count": 3,
            "process.command_args": null,
            "process.command": null,
        }),
    );
}

#[test]
#[ignore = "needs root and BTF"]
fn by_execveat() {
    let mut container = docker().load("execveat", &[]);
    let watch = watch(&["--event", "exec", "--args"]);
    container.load.run("execveat 1");
    let event = watch.await_event("the execution", |event| is_of(event, "exec", &container));
    let path = text(&event, "process.executable.path");
    assert!(path.strip_prefix("/dev/fd/").is_some_and(|fd| fd.parse::<u32>().is_ok()), "{path}");
    assert_attributes(
        &event,
        &json!({
            "doubleslit.process.interpreter": null,
            "process.command": "exit-at-once",
            "process.command_args": ["exit-at-once"],
            "process.args_count": 1,
            "process.parent_pid": container.pid(),
            "doubleslit.process.parent.comm": "doubleslit-load",
        }),
    );
}

#[test]
#[ignore = "needs root and BTF"]
fn one_that_fails_is_none() {
    let mut container = docker().load("missing", &[]);
    let watch = watch(&["--event", "exec"]);
    container.load.run("exec-missing 100");
    container.load.run("exec 1");
    let event = watch.await_event("the first execution", |event| is_of(event, "exec", &container));
    assert!(text(&event, "process.executable.path").starts_with("/served/exit-at-once."), "{event}");
}
