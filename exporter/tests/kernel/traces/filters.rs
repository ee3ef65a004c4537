//! What the kernel is asked for, and which programs are attached.

use std::collections::BTreeSet;

use doubleslit_common::kind::Kind;
use doubleslit_testbed::wait;

use super::{Tracing, cgroup_of, programs};
use crate::harness::docker;

#[test]
#[ignore = "needs root and BTF"]
fn what_two_want_goes_with_the_last() {
    let mut web = docker().load("trace-jobs", &["--label=app=nginx", "--label=type=webserver"]);
    let tracing = Tracing::start("");
    let cgroup = cgroup_of(&web);
    wait::until("without a trace nothing is attached", || programs().is_empty().then_some(()));
    tracing.run("a", r#"{"labelSelector": {"matchLabels": {"app": "nginx"}}, "events": ["exec", "exit"]}"#);
    tracing.run("b", r#"{"labelSelector": {"matchLabels": {"type": "webserver"}}, "events": ["exec"]}"#);
    tracing.until_about("a", &web);
    tracing.until_about("b", &web);
    let of_a = BTreeSet::from([(cgroup, Kind::Exec), (cgroup, Kind::Exit)]);
    assert_eq!(tracing.filters(), of_a);
    assert_eq!(programs(), ["exec_event", "exit_event"].map(str::to_owned).into());

    tracing.traces().delete("b").expect("there is one");
    assert_eq!(tracing.filters(), of_a, "the other one still wants it");
    let mut events = tracing.subscribe("a");
    web.load.run("exec 10");
    let events = tracing.events("a", &mut events, 20);
    let of = |kind| events.iter().filter(|event| event.kind() == kind).count();
    assert_eq!((of(Kind::Exec), of(Kind::Exit)), (10, 10));
    tracing.traces().delete("a").expect("there is one");
    assert_eq!(tracing.filters(), BTreeSet::new());
    wait::until("the programs are detached", || programs().is_empty().then_some(()));
}

#[test]
#[ignore = "needs root and BTF"]
fn two_traces_of_one_container_have_their_own_kinds() {
    let mut alpha = docker().load("trace-kinds", &[]);
    let mut other = docker().load("trace-other", &[]);
    let tracing = Tracing::start("");
    tracing.run("executions", r#"{"containers": ["trace-k*"], "events": ["exec"]}"#);
    tracing.run("ends", r#"{"hostSelector": ["trace-kinds"], "events": ["exit"]}"#);
    for name in ["executions", "ends"] {
        tracing.until_about(name, &alpha);
    }
    let (mut executions, mut ends) = (tracing.subscribe("executions"), tracing.subscribe("ends"));
    other.load.run("exec 5");
    alpha.load.run("exec 8");
    for (name, subscription, kind) in [("executions", &mut executions, Kind::Exec), ("ends", &mut ends, Kind::Exit)] {
        let events = tracing.events(name, subscription, 8);
        assert_eq!(events.len(), 8);
        assert!(
            events.iter().all(|event| event.kind() == kind && event.identity.container_id == alpha.id),
            "{events:?}"
        );
    }
    // Kinds of one program come and go one by one.
    tracing.run("forks", r#"{"containers": ["trace-kinds"], "events": ["fork"]}"#);
    tracing.run("threads", r#"{"containers": ["trace-kinds"], "events": ["thread"]}"#);
    tracing.traces().delete("forks").expect("there is one");
    alpha.load.run("threads 6");
    tracing.until("threads", "six threads", |status| status.hits == 6);
    assert!(programs().contains("fork_event"));
}
