//! Events of created processes and threads.

use serde_json::json;

use super::{assert_attributes, is_of, text, watch};
use crate::harness::docker;

#[test]
#[ignore = "needs root and BTF"]
fn a_process_and_its_end() {
    let mut container = docker().load("forks", &[]);
    let watch = watch(&["--event", "fork,exit"]);
    container.load.run("fork 1");
    let fork = watch.await_event("the new process", |event| is_of(event, "fork", &container));
    assert_attributes(
        &fork,
        &json!({
            "process.parent_pid": container.pid(),
            "doubleslit.process.parent.comm": "doubleslit-load",
            "doubleslit.process.comm": "doubleslit-load",
            "doubleslit.thread.id": fork["process.pid"],
        }),
    );
    let exit = watch.await_event("its end", |event| is_of(event, "exit", &container));
    for same in ["process.pid", "process.vpid", "process.creation.time", "process.parent_pid"] {
        assert_eq!(exit[same], fork[same], "{same}");
    }
    assert!(text(&exit, "time") > text(&fork, "time"), "times are as things happen");
}

#[test]
#[ignore = "needs root and BTF"]
fn a_thread() {
    let mut container = docker().load("threads", &[]);
    let watch = watch(&["--event", "thread,exit"]);
    container.load.run("threads 1");
    let thread = watch.await_event("the new thread", |event| is_of(event, "thread", &container));
    assert_attributes(&thread, &json!({ "process.pid": container.pid(), "process.vpid": 1 }));
    assert_ne!(thread["doubleslit.thread.id"], thread["process.pid"]);
    // The end of a thread is not that of its process: the next event is that of a child.
    container.load.run("exit 5 1");
    let exit = watch.await_event("the end of a process", |event| is_of(event, "exit", &container));
    assert_eq!(exit["process.exit.code"], 5);
}
