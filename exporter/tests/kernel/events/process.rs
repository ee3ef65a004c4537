//! What an event tells of its process, against what procfs says.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, SystemTime},
};

use doubleslit::namespaces::{self, Type};
use procfs::process::Process;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

use super::{assert_attributes, text, watch};
use crate::harness::docker;

fn executed(event: &Value, pid: i32, path: &str) -> bool {
    text(event, "event") == "exec" && event["process.pid"] == pid && text(event, "process.executable.path") == path
}

/// Checks all that an event tells of a process which still is as it was then.
pub(super) fn assert_process(event: &Value, pid: i32) {
    let process = Process::new(pid).expect("the process runs");
    let (stat, status) = (process.stat().expect("its state"), process.status().expect("its status"));
    let parent = Process::new(stat.ppid).and_then(|parent| parent.stat()).expect("its parent runs");
    assert_attributes(
        event,
        &json!({
            "process.pid": pid,
            "doubleslit.thread.id": pid,
            "process.vpid": status.nspid.as_ref().and_then(|ids| ids.last()),
            "process.parent_pid": stat.ppid,
            "doubleslit.process.parent.comm": parent.comm,
            "doubleslit.process.comm": stat.comm,
            "process.session_leader.pid": stat.session,
            "process.group_leader.pid": stat.pgrp,
            "process.real_user.id": status.ruid,
            "process.user.id": status.euid,
            "process.saved_user.id": status.suid,
            "doubleslit.process.real_group.id": status.rgid,
            "doubleslit.process.group.id": status.egid,
            "process.interactive": stat.tty_nr != 0,
        }),
    );
    let namespaces = namespaces::of(Path::new("/proc"), pid.unsigned_abs()).expect("its namespaces");
    for (kind, inode) in namespaces.own {
        assert_eq!(event[format!("doubleslit.namespace.{}", kind.name())], inode, "{}", kind.name());
    }
    let started = humantime::parse_rfc3339(text(event, "process.creation.time")).expect("a time");
    let since_boot = Duration::from_secs_f64(stat.starttime as f64 / procfs::ticks_per_second() as f64);
    let expected = booted() + since_boot;
    let difference = started.duration_since(expected).unwrap_or_else(|early| early.duration());
    // The clock of the day may have been set a little since.
    assert!(difference < Duration::from_secs(1), "{started:?} instead of {expected:?}");
}

/// When the clock of the time since boot was 0.
fn booted() -> SystemTime {
    let boot = clock_gettime(ClockId::Boottime);
    SystemTime::now() - Duration::new(boot.tv_sec.unsigned_abs(), boot.tv_nsec.unsigned_abs() as u32)
}

/// A program that runs until this is dropped.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::null()).spawn().expect("it can be run"))
    }

    fn pid(&self) -> i32 {
        self.0.id().cast_signed()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
#[ignore = "needs root and BTF"]
fn in_a_container_with_a_user_and_a_terminal() {
    docker();
    let watch = watch(&["--event", "exec"]);
    let id = docker().run(&["--user=1234:5678", "--tty"], &["sleep", "3600"]);
    let pid: i32 = docker().inspect(&id, "{{.State.Pid}}").parse().expect("a process id");
    let event = watch.await_event("the container's program", |event| executed(event, pid, "/bin/sleep"));
    assert_process(&event, pid);
    assert_attributes(
        &event,
        &json!({
            "container.id": id,
            "process.vpid": 1,
            "process.user.id": 1234,
            "process.real_user.id": 1234,
            "process.saved_user.id": 1234,
            "doubleslit.process.group.id": 5678,
            "doubleslit.process.real_group.id": 5678,
            "process.interactive": true,
        }),
    );
    assert_ne!(pid, 1);
    let host = namespaces::of(Path::new("/proc"), std::process::id()).expect("our namespaces");
    for kind in [Type::Net, Type::Ipc, Type::Uts, Type::Mnt, Type::Pid] {
        assert_ne!(event[format!("doubleslit.namespace.{}", kind.name())], host.own[&kind], "{}", kind.name());
    }
    docker().remove(&id);
}

#[test]
#[ignore = "needs root and BTF"]
fn with_a_real_user_that_is_not_the_effective_one() {
    let watch = watch(&["--event", "exec"]);
    let mut command = Command::new("setpriv");
    let running = Running::start(command.args(["--ruid=1001", "--rgid=2001", "--clear-groups", "sleep", "3600"]));
    let pid = running.pid();
    let event = watch.await_event("the program behind setpriv", |event| {
        event["process.pid"] == pid && text(event, "process.executable.name") == "sleep"
    });
    assert_process(&event, pid);
    let users = json!({
        "process.real_user.id": 1001,
        "process.user.id": 0,
        "doubleslit.process.real_group.id": 2001,
        "doubleslit.process.group.id": 0,
    });
    assert_attributes(&event, &users);
}

/// The CPU is that on which the process runs.
#[test]
#[ignore = "needs root and BTF"]
fn on_a_cpu() {
    let watch = watch(&["--event", "exec"]);
    for cpu in [0, 1] {
        let running = Running::start(Command::new("taskset").args(["--cpu-list", &cpu.to_string(), "sleep", "3600"]));
        let event = watch.await_event("the program behind taskset", |event| {
            event["process.pid"] == running.pid() && text(event, "process.executable.name") == "sleep"
        });
        assert_eq!(event["doubleslit.cpu"], cpu);
    }
}
