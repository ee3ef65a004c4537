//! Traces end, and containers come back.

use std::{collections::BTreeSet, time::Duration};

use doubleslit::traces::Phase;
use doubleslit_common::kind::Kind;
use doubleslit_testbed::wait;

use super::{Tracing, await_end_of, cgroup_of, programs};
use crate::{bpf_objects::bpf_objects, harness::docker};

#[test]
#[ignore = "needs root and BTF"]
fn time_is_limited() {
    let mut web = docker().load("trace-time", &[]);
    let tracing = Tracing::start("");
    let before = bpf_objects(std::process::id().cast_signed());
    tracing.run("short", r#"{"containers": ["trace-time"], "events": ["exec"], "duration": "2s"}"#);
    let mut events = tracing.subscribe("short");
    tracing.until_about("short", &web);
    web.load.run("exec 3");
    assert_eq!(tracing.events("short", &mut events, 3).len(), 3);
    let status = tracing.until("short", "its time is over", |status| status.phase == Phase::Complete);
    let (started, completed) = (status.started.expect("it ran"), status.completed.expect("it is over"));
    assert!(completed.duration_since(started).expect("in order") >= Duration::from_secs(2));
    assert_eq!(status.duration, Some(Duration::from_secs(2)));
    assert!(status.elapsed >= Duration::from_secs(2));
    assert_eq!((status.hits, status.containers.len(), status.matched_containers.len()), (3, 0, 1));
    assert_eq!(tracing.filters(), BTreeSet::new());
    assert!(tracing.runtime.block_on(events.next()).is_none(), "its readers are told the end");
    wait::until("the programs are detached", || programs().is_empty().then_some(()));
    await_end_of(&before);
}

#[test]
#[ignore = "needs root and BTF"]
fn a_deleted_trace_has_no_more_events() {
    let tracing = Tracing::start("");
    let spec = r#"{"containers": ["trace-deleted*"], "events": ["exec"]}"#;
    tracing.run("nothing", spec);
    tracing.run("something", spec);
    let first = docker().load("trace-deleted-1", &[]);
    tracing.until_about("something", &first);
    let mut events = tracing.subscribe("something");
    for name in ["nothing", "something"] {
        tracing.traces().delete(name).expect("there is one");
    }
    let mut second = docker().load("trace-deleted-2", &[]);
    tracing.run("later", spec);
    tracing.until_about("later", &second);
    second.load.run("exec 4");
    tracing.until("later", "the executions", |status| status.hits >= 4);
    while let Some((batch, _)) = tracing.runtime.block_on(events.next()) {
        assert!(batch.events.iter().all(|event| event.identity.container_id == first.id));
    }
    assert!(tracing.traces().get("something").is_err() && tracing.traces().delete("nothing").is_err());
}

#[test]
#[ignore = "needs root and BTF"]
fn a_container_that_starts_again_is_found_again() {
    let mut web = docker().load("trace-again", &[]);
    let tracing = Tracing::start("");
    tracing.run(
        "a",
        r#"{"containers": ["trace-again"], "events": ["exit"], "select": [{"exit_code": 0, "comm": "exit-at-once*"}]}"#,
    );
    tracing.until_about("a", &web);
    web.load.run("exec 5");
    tracing.until("a", "what happened before", |status| status.hits == 5);
    let cgroup = cgroup_of(&web);
    docker().cli(["stop", "--time=0", &web.id]);
    let status = tracing.until("a", "the container is gone", |status| status.containers.is_empty());
    assert_eq!(status.matched_containers.len(), 1);
    web.start();
    tracing.until_about("a", &web);
    let again = cgroup_of(&web);
    assert_ne!(cgroup, again);
    assert!(tracing.filters().contains(&(again, Kind::Exit)));
    web.load.run("exec 5");
    tracing.until("a", "what happened again", |status| status.hits == 10);
}
