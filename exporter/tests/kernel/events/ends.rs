//! Ends of `doubleslit watch`.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use doubleslit_testbed::{shell, wait, watch::Watch};

use super::{config, text, watch};
use crate::{
    bpf_objects::{await_gone, bpf_objects, is_there},
    harness::{BINARY, docker},
};

#[test]
#[ignore = "needs root and BTF"]
fn a_signal_ends_it_behind_all_that_happened_and_nothing_stays() {
    let mut a = docker().load("ends", &[]);
    for signal in [libc::SIGTERM, libc::SIGINT] {
        let mut watch = watch(&["--event", "exec"]);
        let objects = bpf_objects(watch.pid());
        assert!(objects.iter().all(is_there), "{objects:?}");
        a.load.run("exec 1000");
        let (status, events) = watch.stop(signal);
        assert!(status.success(), "{status}\n{}", watch.log());
        let executions = events.iter().filter(|event| text(event, "container.id") == a.id).count();
        assert_eq!(executions, 1000, "{}", watch.log());
        assert!(!watch.log().contains("not shown"), "{}", watch.log());
        await_gone(&objects);
    }
}

#[test]
#[ignore = "needs root and BTF"]
fn who_does_not_read_does_not_hold_it_up() {
    let mut a = docker().load("unread", &[]);
    let mut watch = Watch::start_unread(Path::new(BINARY), &config(), &["--event", "exec"]);
    // Many times what a pipe holds.
    a.load.run("exec 2000");
    let (status, _) = watch.stop(libc::SIGTERM);
    assert!(status.success(), "{status}\n{}", watch.log());
    let log = watch.log();
    let last = log.lines().last().unwrap_or_default();
    assert!(last.starts_with("doubleslit: events not shown: "), "{log}");
}

#[test]
#[ignore = "needs root and BTF"]
fn a_closed_pipe_ends_it_without_noise() {
    for (lines, form) in [("0", "text"), ("1", "text"), ("1", "json"), ("1", "logfmt")] {
        let script = "set -o pipefail; \"$0\" watch --event exec -o \"$1\" | head -n \"$2\"";
        let mut pipeline = Command::new("bash");
        pipeline.args(["-c", script, BINARY, form, lines]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = pipeline.spawn().expect("bash can be run");
        wait::until("the pipeline ends", || {
            shell::run("true", [""; 0]);
            child.try_wait().expect("it is a child")
        });
        let output = child.wait_with_output().expect("it is a child");
        assert!(output.status.success(), "{output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count().to_string(), lines);
    }
}
