//! Events of victims of the OOM killer, against what the kernel's log says.

use doubleslit_testbed::{shell, wait};
use serde_json::json;

use super::{assert_attributes, is_of, watch};
use crate::harness::docker;

#[test]
#[ignore = "needs root and BTF"]
fn a_child_that_takes_too_much_memory() {
    let options = ["--memory=32m", "--memory-swap=32m", "--oom-score-adj=500"];
    let mut container = docker().load("hungry", &options);
    let watch = watch(&["--event", "oom_kill,exit"]);
    assert_eq!(container.load.run("hog 128"), "signal 9");

    let kill = watch.await_event("the choice", |event| is_of(event, "oom_kill", &container));
    let pid = kill["process.pid"].as_u64().expect("a number");
    let log = wait::until("the kernel's log tells of it", || {
        let log = shell::run("dmesg", [""; 0]);
        let words = format!("Killed process {pid} (doubleslit-load)");
        log.lines().rfind(|line| line.contains(&words)).map(str::to_owned)
    });
    let logged = |name: &str| -> u64 {
        let value = log.split(name).nth(1).expect("the quantity");
        value.split("kB").next().and_then(|value| value.parse().ok()).expect("a number")
    };
    assert_attributes(
        &kill,
        &json!({
            "container.name": "hungry",
            "process.parent_pid": container.pid(),
            "doubleslit.process.comm": "doubleslit-load",
            "doubleslit.oom.memory.total": logged("total-vm:") * 1024,
            "doubleslit.oom.memory.anonymous": logged("anon-rss:") * 1024,
            "doubleslit.oom.memory.file": logged("file-rss:") * 1024,
            "doubleslit.oom.memory.shared": logged("shmem-rss:") * 1024,
            "doubleslit.oom.memory.page_tables": logged("pgtables:") * 1024,
            "doubleslit.oom.score_adjustment": 500,
        }),
    );
    assert!(logged("anon-rss:") > 16 << 10, "{log}");

    let exit = watch.await_event("its end", |event| is_of(event, "exit", &container));
    assert_attributes(
        &exit,
        &json!({
            "process.pid": pid,
            "doubleslit.process.oom_killed": true,
            "doubleslit.process.exit.signal_name": "SIGKILL",
        }),
    );
}
