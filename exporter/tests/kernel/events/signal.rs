//! Events of signals: of each the generation and the delivery.

use std::process::Command;

use doubleslit_testbed::{cgroup::Cgroup, docker::LoadContainer, sys, watch::Watch};
use serde_json::{Value, json};

use super::{assert_attributes, is_of, text, watch};
use crate::harness::docker;

/// Flags of the load's handlers; where the C library must, it adds one.
const FLAGS: (&[&str], u64) = if cfg!(target_arch = "x86_64") {
    (&["SA_RESTORER", "SA_RESTART"], 0x1400_0000)
} else {
    (&["SA_RESTART"], 0x1000_0000)
};

fn watch_signals() -> Watch {
    watch(&["--event", "signal_generate,signal_deliver"])
}

fn is_signal(event: &Value, name: &str, target: &LoadContainer<'_>) -> bool {
    text(event, "doubleslit.signal.name") == name && text(event, "container.id") == target.id
}

/// A signal's generation and delivery.
fn both(watch: &Watch, name: &str, target: &LoadContainer<'_>) -> [Value; 2] {
    let mut events = [(); 2].map(|()| watch.await_event(name, |event| is_signal(event, name, target)));
    // The generation may have waited for its sender's name.
    events.sort_by_key(|event| text(event, "event") == "signal_deliver");
    assert_eq!(events.each_ref().map(|event| text(event, "event")), ["signal_generate", "signal_deliver"]);
    events
}

/// What both say of it.
fn assert_signal(events: &[Value; 2], number: i32, code: (&str, i32), errno: i32) {
    for event in events {
        assert_attributes(
            event,
            &json!({
                "doubleslit.signal.number": number,
                "doubleslit.signal.code_name": code.0,
                "doubleslit.signal.code": code.1,
                "doubleslit.signal.errno": errno,
            }),
        );
    }
}

/// What is said when there is a handler.
fn assert_handled(delivered: &Value) {
    let (names, flags) = FLAGS;
    let expected = json!({ "doubleslit.signal.flag_names": names, "doubleslit.signal.flags": flags });
    assert_attributes(delivered, &expected);
    assert!(delivered["doubleslit.signal.handler"].as_i64().is_some_and(|handler| handler > 1), "{delivered}");
}

/// What is said when the kernel sent it.
fn assert_from_the_kernel(generated: &Value) {
    assert_eq!(generated["doubleslit.signal.sender.kernel"], true);
    for part in
        ["pid", "thread.id", "comm", "executable.name", "real_user.id", "cgroup.id", "container.id", "container.name"]
    {
        assert_eq!(generated[format!("doubleslit.signal.sender.{part}")], Value::Null, "{part}");
    }
}

#[test]
#[ignore = "needs root and BTF"]
fn a_kill_from_the_host_to_a_handler() {
    let mut target = docker().load("handles", &[]);
    let watch = watch_signals();
    target.load.run("handle 15");
    let pid = target.pid();
    let mut kill = Command::new("/bin/kill").args(["-TERM", &pid.to_string()]).spawn().expect("there is `kill`");
    assert!(kill.wait().expect("it is a child").success());
    target.load.run("handled 15 1");

    let events = both(&watch, "SIGTERM", &target);
    assert_signal(&events, 15, ("SI_USER", 0), 0);
    let [generated, delivered] = events;
    assert_attributes(
        &generated,
        &json!({
            "process.pid": pid,
            "process.vpid": 1,
            "doubleslit.process.comm": "doubleslit-load",
            "doubleslit.signal.result": "delivered",
            "doubleslit.signal.group": true,
            "doubleslit.signal.sender.kernel": false,
            "doubleslit.signal.sender.pid": kill.id(),
            "doubleslit.signal.sender.thread.id": kill.id(),
            "doubleslit.signal.sender.comm": "kill",
            "doubleslit.signal.sender.executable.name": "kill",
            "doubleslit.signal.sender.real_user.id": 0,
            "doubleslit.signal.sender.container.id": null,
            "doubleslit.signal.sender.container.name": null,
            "doubleslit.signal.handler": null,
        }),
    );
    assert_eq!(delivered["process.pid"], pid);
    assert_handled(&delivered);
}

#[test]
#[ignore = "needs root and BTF"]
fn one_that_is_queued_with_an_error() {
    let mut target = docker().load("queued", &[]);
    let watch = watch_signals();
    target.load.run("handle 10");
    sys::queue(target.pid(), 10, libc::EXDEV).expect("the container runs");
    target.load.run("handled 10 1");
    let events = both(&watch, "SIGUSR1", &target);
    assert_signal(&events, 10, ("SI_QUEUE", -1), libc::EXDEV);
    let [generated, delivered] = events;
    assert_handled(&delivered);
    // Tests run on threads of their own.
    let own = rustix::thread::gettid().as_raw_nonzero().get();
    let sender = json!({
        "doubleslit.signal.sender.pid": std::process::id(),
        "doubleslit.signal.sender.thread.id": own,
    });
    assert_attributes(&generated, &sender);
}

#[test]
#[ignore = "needs root and BTF"]
fn from_a_thread_of_another_container() {
    let mut sender = docker().load("sends", &["--pid=host"]);
    let mut target = docker().load("receives", &[]);
    let watch = watch_signals();
    target.load.run("handle 12");
    sender.load.run(&format!("cpus=1 signal-to {} 12 1", target.pid()));
    target.load.run("handled 12 1");
    let [generated, delivered] = both(&watch, "SIGUSR2", &target);
    assert_handled(&delivered);
    let cgroup = Cgroup::create(&format!("/docker/{}", sender.id)).id();
    assert_attributes(
        &generated,
        &json!({
            "doubleslit.cpu": 1,
            "container.name": "receives",
            "process.pid": target.pid(),
            "doubleslit.signal.sender.kernel": false,
            "doubleslit.signal.sender.pid": sender.pid(),
            "doubleslit.signal.sender.comm": "cpu-1",
            "doubleslit.signal.sender.executable.name": "doubleslit-load",
            "doubleslit.signal.sender.cgroup.id": cgroup,
            "doubleslit.signal.sender.container.id": sender.id,
            "doubleslit.signal.sender.container.name": "sends",
        }),
    );
    assert_ne!(generated["doubleslit.signal.sender.thread.id"], sender.pid());
}

#[test]
#[ignore = "needs root and BTF"]
fn from_a_thread_to_itself() {
    let mut container = docker().load("threaded", &[]);
    let watch = watch_signals();
    container.load.run("cpus=1 signal 10 1");
    let events = both(&watch, "SIGUSR1", &container);
    assert_signal(&events, 10, ("SI_TKILL", -6), 0);
    let [generated, delivered] = events;
    assert_handled(&delivered);
    let (pid, tid) = (container.pid(), &generated["doubleslit.thread.id"]);
    assert_ne!(tid, pid);
    for event in [&generated, &delivered] {
        assert_attributes(
            event,
            &json!({
                "doubleslit.cpu": 1,
                "process.pid": pid,
                "process.vpid": 1,
                "doubleslit.thread.id": tid,
                "doubleslit.process.comm": "cpu-1",
            }),
        );
    }
    assert_attributes(
        &generated,
        &json!({
            "doubleslit.signal.group": false,
            "doubleslit.signal.sender.pid": pid,
            "doubleslit.signal.sender.thread.id": tid,
            "doubleslit.signal.sender.container.id": container.id,
        }),
    );
}

#[test]
#[ignore = "needs root and BTF"]
fn one_that_is_ignored() {
    let mut container = docker().load("ignores", &[]);
    let watch = watch_signals();
    container.load.run("ignored 12 1");
    let event = watch.await_event("the signal", |event| is_signal(event, "SIGUSR2", &container));
    assert!(is_of(&event, "signal_generate", &container), "{event}");
    assert_eq!(event["doubleslit.signal.result"], "ignored");
    // It is not delivered: the next one is another.
    container.load.run("signal 12 1");
    let [generated, _] = both(&watch, "SIGUSR2", &container);
    assert_eq!(generated["doubleslit.signal.result"], "delivered");
}

#[test]
#[ignore = "needs root and BTF"]
fn a_deadly_one() {
    let mut container = docker().load("dies", &[]);
    let watch = watch_signals();
    container.load.run("die 9 1");
    let events = both(&watch, "SIGKILL", &container);
    assert_signal(&events, 9, ("SI_USER", 0), 0);
    let [generated, delivered] = events;
    assert_eq!(generated["doubleslit.signal.sender.pid"], generated["process.pid"]);
    assert_eq!(delivered["process.pid"], generated["process.pid"]);
    assert_eq!(generated["process.parent_pid"], container.pid());
    let default = json!({ "doubleslit.signal.handler": 0, "doubleslit.signal.result": null });
    assert_attributes(&delivered, &default);
}

#[test]
#[ignore = "needs root and BTF"]
fn a_fault() {
    let mut container = docker().load("faults", &[]);
    let watch = watch_signals();
    container.load.run("fault 1");
    let events = both(&watch, "SIGSEGV", &container);
    assert_signal(&events, 11, ("SEGV_MAPERR", 1), 0);
    let [generated, delivered] = events;
    assert_from_the_kernel(&generated);
    assert_eq!(generated["doubleslit.signal.group"], false);
    assert_eq!(delivered["doubleslit.signal.handler"], 0);
}

#[test]
#[ignore = "needs root and BTF"]
fn a_timers() {
    let mut container = docker().load("times", &[]);
    let watch = watch_signals();
    container.load.run("timer 10 1");
    let events = both(&watch, "SIGUSR1", &container);
    assert_signal(&events, 10, ("SI_TIMER", -2), 0);
    let [generated, delivered] = events;
    assert_from_the_kernel(&generated);
    assert_eq!(generated["doubleslit.signal.group"], true);
    assert_handled(&delivered);
}
