//! Traces of tracepoints.

use doubleslit::{events::event::Details, traces::CreateError};
use doubleslit_testbed::wait;

use super::{Tracing, await_end_of, programs};
use crate::{bpf_objects::bpf_objects, harness::docker};

#[test]
#[ignore = "needs root and BTF"]
fn come_and_go_beside_each_other() {
    let mut web = docker().load("hits-web", &[]);
    let mut other = docker().load("hits-other", &[]);
    let tracing = Tracing::start("");
    let before = bpf_objects(std::process::id().cast_signed());
    let of = |name: &str| format!(r#"{{"containers": ["hits-web"], "tracepoints": ["{name}"]}}"#);
    tracing.run("forks", &of("sched:sched_process_fork"));
    tracing.run("calls", &of("syscalls:sys_*_getppid"));
    ["forks", "calls"].iter().for_each(|name| tracing.until_about(name, &web));
    let (mut forks, mut calls) = (tracing.subscribe("forks"), tracing.subscribe("calls"));
    other.load.run("exec 30");
    web.load.run("exec 10");
    web.load.run(&format!("syscall {} 20", libc::SYS_getppid));
    for (name, subscription, expected) in [
        ("forks", &mut forks, &[("sched_process_fork", 10)][..]),
        ("calls", &mut calls, &[("sys_enter_getppid", 20), ("sys_exit_getppid", 20)]),
    ] {
        let count = expected.iter().map(|(_, count)| count).sum();
        let events = tracing.events(name, subscription, count);
        assert!(events.iter().all(|event| event.identity.container_id == web.id), "{events:?}");
        for (tracepoint, count) in expected {
            let is_it = |details: &Details| matches!(details, Details::Tracepoint(hit) if hit.tracepoint.name.name == *tracepoint);
            assert_eq!(events.iter().filter(|event| is_it(&event.details)).count(), *count, "{tracepoint}");
        }
    }
    tracing.traces().delete("calls").expect("there is one");
    web.load.run("exec 5");
    web.load.run(&format!("syscall {} 20", libc::SYS_getppid));
    assert_eq!(tracing.events("forks", &mut forks, 5).len(), 5);
    assert_eq!(tracing.status("forks").hits, 15);
    tracing.traces().delete("forks").expect("there is one");
    wait::until("the programs are detached", || programs().is_empty().then_some(()));
    await_end_of(&before);
}

#[test]
#[ignore = "needs root and BTF"]
fn unknown_ones_are_told_with_the_closest_names() {
    let tracing = Tracing::start("");
    let spec = serde_json::json!({ "tracepoints": ["sched:*", "sched:sched_process_frok"] });
    let spec = doubleslit::traces::Spec::read(&spec).expect("a spec");
    match tracing.traces().create("a", spec) {
        Err(CreateError::Invalid(error)) => {
            assert_eq!(error.field, "tracepoints[1]");
            assert!(error.reason.contains("expected a name such as `sched:sched_process_fork`"), "{error}");
        }
        other => panic!("{other:?}"),
    }
}
