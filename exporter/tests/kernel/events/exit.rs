//! Events of ended processes.

use std::{
    os::unix::process::ExitStatusExt as _,
    process::Command,
    time::{Duration, SystemTime},
};

use doubleslit_testbed::{cgroup::Cgroup, static_binary, sys};
use serde_json::{Value, json};

use super::{assert_attributes, is_of, text, watch};
use crate::harness::docker;

#[test]
#[ignore = "needs root and BTF"]
fn by_itself_and_by_a_signal() {
    let mut container = docker().load("ends", &[]);
    let watch = watch(&["--event", "exit"]);
    for (command, expected) in [
        ("exit 0 1", json!({ "process.exit.code": 0 })),
        ("exit 255 1", json!({ "process.exit.code": 255 })),
        ("die 15 1", by_signal("SIGTERM", 15)),
        ("die 9 1", by_signal("SIGKILL", 9)),
        ("fault 1", by_signal("SIGSEGV", 11)),
    ] {
        container.load.run(command);
        let event = watch.await_event(command, |event| is_of(event, "exit", &container));
        for attribute in ["code", "signal", "signal_name", "core_dumped"] {
            let names = [format!("process.exit.{attribute}"), format!("doubleslit.process.exit.{attribute}")];
            for name in names {
                assert_eq!(event[&name], expected[&name], "{name} after `{command}`");
            }
        }
        assert_attributes(
            &event,
            &json!({
                "doubleslit.process.oom_killed": false,
                "process.exit.time": event["time"],
                "process.parent_pid": container.pid(),
            }),
        );
        let lived = time(&event, "process.exit.time").duration_since(time(&event, "process.creation.time"));
        let lived = lived.expect("the end comes after the beginning");
        let seconds = event["doubleslit.process.runtime_seconds"].as_f64().expect("a number");
        assert!(lived.abs_diff(Duration::from_secs_f64(seconds)) < Duration::from_micros(1), "{event}");
    }
}

fn by_signal(name: &str, number: u32) -> Value {
    json!({
        "doubleslit.process.exit.signal_name": name,
        "doubleslit.process.exit.signal": number,
        "doubleslit.process.exit.core_dumped": false,
    })
}

fn time(event: &Value, attribute: &str) -> SystemTime {
    humantime::parse_rfc3339(text(event, attribute)).expect("a time")
}

/// Whether there is a dump is up to the machine's settings; its parent is told.
#[test]
#[ignore = "needs root and BTF"]
fn with_a_core_dump() {
    let watch = watch(&["--event", "exit"]);
    let directory = tempfile::tempdir().expect("a directory can be made");
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -c unlimited; kill -ABRT $$"]).current_dir(directory.path());
    let mut child = command.spawn().expect("there is a shell");
    let status = child.wait().expect("it is a child");
    let event = watch.await_event("its end", |event| event["process.pid"] == child.id());
    assert_eq!(event["doubleslit.process.exit.core_dumped"], status.core_dumped());
    assert_eq!(event["doubleslit.process.exit.signal_name"], "SIGABRT");
}

/// The process ends with its last thread, which is not the first one.
#[test]
#[ignore = "needs root and BTF"]
fn by_another_thread_than_the_first() {
    let (cgroup, id) = Cgroup::like_docker(3);
    let watch = watch(&["--event", "exit"]);
    let pid = cgroup.spawn(static_binary::load(), &["leave", "3"]);
    assert_eq!(sys::wait(pid).expect("it is a child"), 3 << 8);
    let event = watch.await_event("its end", |event| text(event, "container.id") == id);
    assert_attributes(&event, &json!({ "process.pid": pid, "process.exit.code": 3 }));
    assert_ne!(event["doubleslit.thread.id"], pid);
}
