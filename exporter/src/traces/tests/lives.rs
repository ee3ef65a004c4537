//! What becomes of traces.

use super::*;
use crate::traces::status::Phase;

const A: &str = r#"{"labelSelector": {"matchLabels": {"app": "nginx"}}, "events": ["exec", "exit"]}"#;
const B: &str = r#"{"labelSelector": {"matchLabels": {"type": "webserver"}}, "events": ["exec"]}"#;
const BOTH: &[(&str, &str)] = &[("app", "nginx"), ("type", "webserver")];

/// The events and the missed ones that are there for a reader of a trace that has ended.
pub(super) fn drain(mut subscription: Subscription) -> (Vec<Event>, u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let (mut events, mut all_missed) = (Vec::new(), 0);
        while let Some((batch, missed)) = subscription.next().await {
            events.extend(batch.events.iter().cloned());
            all_missed += missed;
        }
        (events, all_missed)
    })
}

fn names(containers: &[crate::traces::Container]) -> Vec<&str> {
    containers.iter().map(|container| container.name.as_str()).collect()
}

#[test]
fn what_two_want_goes_with_the_last() {
    let mut bench = Bench::new();
    bench.start(7, "web", BOTH);
    bench.run("a", A);
    bench.run("b", B);
    let of_a = BTreeSet::from([(Some(7), Kind::Exec), (Some(7), Kind::Exit)]);
    assert_eq!(bench.kernel.on(), of_a);
    let events = bench.subscribe("a");
    bench.delete("b");
    assert_eq!(bench.kernel.on(), of_a);
    bench.execute(7, 1);
    bench.delete("a");
    assert_eq!(bench.kernel.on(), BTreeSet::new());
    bench.execute(7, 1);
    assert_eq!(drain(events).0.len(), 1);
}

#[test]
fn a_sandbox_is_its_pods_and_no_container() {
    let mut bench = Bench::new();
    let identity = Identity {
        scope: Scope::Pod,
        namespace: "shop".to_owned(),
        pod: "cart-0".to_owned(),
        pod_labels: [("app".to_owned(), "nginx".to_owned())].into(),
        ..Identity::default()
    };
    let known = Known { identity: Arc::new(identity), path: "/kubepods/a/b".into(), ..known("", &[], false) };
    bench.state.changed(CgroupId(7), Some(&known));
    for (owner, is_about) in [
        (r#""namespace": "shop""#, true),
        (r#""namespace": "store""#, false),
        (r#""fieldSelector": "metadata.name=cart-0""#, true),
        (r#""fieldSelector": "metadata.name!=cart-0""#, false),
        (r#""labelSelector": {"matchLabels": {"app": "nginx"}}"#, true),
        (r#""labelSelector": {"matchLabels": {"app": "redis"}}"#, false),
        (r#""namespace": "shop", "containers": ["*"]"#, false),
    ] {
        bench.run("a", &format!(r#"{{{owner}, "events": ["exec"]}}"#));
        assert_eq!(bench.kernel.on().contains(&(Some(7), Kind::Exec)), is_about, "{owner}");
        bench.execute(7, 3);
        let status = bench.delete("a").status;
        assert_eq!((status.hits, status.containers), (if is_about { 3 } else { 0 }, Vec::new()), "{owner}");
    }
}

#[test]
fn rates_are_each_traces_own() {
    let mut bench = Bench::new();
    bench.start(7, "web", BOTH);
    let mut subscriptions = Vec::new();
    for rate in [1, 2, 4] {
        let name = format!("rate{rate}");
        bench.run(&name, &format!(r#"{{"containers": ["web"], "events": ["exec"], "sampleRate": {rate}}}"#));
        subscriptions.push((name.clone(), rate, bench.subscribe(&name)));
    }
    bench.execute(7, 8);
    for (name, rate, subscription) in subscriptions {
        let status = bench.delete(&name).status;
        assert_eq!((status.hits, status.events), (8, 8 / u64::from(rate)), "{name}");
        let (events, missed) = drain(subscription);
        let weights = events.iter().map(|event| event.weight).collect::<Vec<_>>();
        assert_eq!((weights, missed), (vec![rate; 8 / rate as usize], 0), "{name}");
    }
}

#[test]
fn a_container_that_comes_back_is_found_again() {
    let mut bench = Bench::new();
    bench.run("a", r#"{"containers": ["web-*"], "events": ["exec"]}"#);
    assert_eq!(bench.kernel.on(), BTreeSet::new());
    bench.start(7, "web-0", &[]);
    bench.start(8, "db", &[]);
    assert_eq!(bench.kernel.on(), BTreeSet::from([(Some(7), Kind::Exec)]));
    bench.execute(7, 1);
    bench.stop(7, "web-0", &[]);
    let status = bench.get("a").status;
    assert_eq!((names(&status.containers), names(&status.matched_containers)), (vec![], vec!["web-0"]));
    // What had happened before it was gone still comes.
    bench.execute(7, 1);
    bench.forget(7);
    assert_eq!(bench.kernel.on(), BTreeSet::new());
    bench.start(9, "web-0", &[]);
    assert_eq!(bench.kernel.on(), BTreeSet::from([(Some(9), Kind::Exec)]));
    bench.execute(9, 1);
    bench.execute(8, 5);
    let status = bench.get("a").status;
    assert_eq!((names(&status.containers), names(&status.matched_containers)), (vec!["web-0"], vec!["web-0"]));
    assert_eq!(status.hits, 3);
}

#[test]
fn time_is_limited() {
    let mut bench = Bench::new();
    bench.start(7, "web", BOTH);
    bench.run("a", r#"{"containers": ["web"], "events": ["exec"], "duration": "10s"}"#);
    let subscription = bench.subscribe("a");
    let started = bench.now;
    bench.execute(7, 1);
    assert_eq!(bench.pass(Duration::from_secs(4)), 0);
    let status = bench.get("a").status;
    assert_eq!((status.phase, status.elapsed), (Phase::Running, Duration::from_secs(4)));
    assert_eq!(status.duration, Some(Duration::from_secs(10)));
    assert_eq!(bench.pass(Duration::from_secs(6)), 0);
    assert_eq!(bench.kernel.on(), BTreeSet::new(), "the kernel is asked no more");
    // The last that happened is on its way; what happens later is too late.
    bench.execute(7, 1);
    assert_eq!(bench.pass(Duration::from_millis(100)), 0);
    bench.execute(7, 1);
    assert_eq!(bench.pass(Duration::from_secs(1)), 1);
    let status = bench.get("a").status;
    assert_eq!((status.phase, status.elapsed), (Phase::Complete, Duration::from_secs(10)));
    assert_eq!(status.completed, Some(started.wall + Duration::from_secs(10)));
    assert_eq!((status.hits, names(&status.containers)), (2, vec![]));
    assert_eq!(names(&status.matched_containers), ["web"]);
    assert_eq!(drain(subscription).0.len(), 2);
    let list = bench.state.list(bench.now);
    assert_eq!((list.running.len(), list.completed.len()), (0, 1));
}

#[test]
fn a_deleted_trace_never_comes_back() {
    let mut bench = Bench::new();
    // One that nothing matched, one that something did, and one that had not begun.
    bench.run("none", A);
    bench.run("some", B);
    bench.start(7, "other", &[("type", "webserver")]);
    let (pending, _) = bench.create("pending", A).expect("a trace");
    for name in ["none", "some", "pending"] {
        bench.delete(name);
        assert!(bench.state.delete(name, bench.now).is_err(), "{name}");
    }
    assert!(!bench.state.begin(pending, bench.now));
    bench.start(8, "web", BOTH);
    assert_eq!(bench.kernel.on(), BTreeSet::new());
    assert_eq!(bench.state.list(bench.now), Default::default());
}

#[test]
fn losses_are_those_of_its_own_time() {
    let mut bench = Bench::new();
    bench.start(7, "web", BOTH);
    bench.run("a", A);
    bench.kernel.lose(7, Kind::Exec, 5);
    bench.run("b", B);
    bench.kernel.lose(7, Kind::Exec, 3);
    bench.kernel.lose(7, Kind::Exit, 1);
    assert_eq!((bench.get("a").status.lost, bench.get("b").status.lost), (9, 3));
    assert_eq!(bench.delete("a").status.lost, 9);
    bench.forget(7);
    assert_eq!(bench.get("b").status.lost, 3);
}

#[test]
fn who_reads_slowly_misses_its_own() {
    let mut bench = Bench::new();
    bench.run("a", r#"{"events": ["exec"]}"#);
    let slow = bench.subscribe("a");
    bench.execute(1, 1000);
    bench.delete("a");
    let (events, missed) = drain(slow);
    assert!(missed > 0);
    assert_eq!(events.len() as u64 + missed, 1000);
}

#[test]
fn the_latest_that_are_over_are_kept() {
    let mut bench = Bench::new();
    for number in 0..70 {
        bench.run(&format!("t{number:02}"), r#"{"events": ["exec"], "duration": "1s"}"#);
    }
    bench.pass(Duration::from_secs(1));
    assert_eq!(bench.pass(Duration::from_secs(1)), 70);
    let kept = bench.state.list(bench.now).completed.into_iter().map(|trace| trace.name).collect::<BTreeSet<_>>();
    assert_eq!(kept, (6..70).map(|number| format!("t{number:02}")).collect());
}
