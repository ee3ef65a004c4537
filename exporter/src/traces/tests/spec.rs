//! What may be asked for.

use super::*;

#[test]
fn mistakes_are_told_by_their_field() {
    let mut bench = Bench::new();
    for (name, spec, field) in [
        ("", r#"{"events": ["exec"]}"#, "name"),
        ("a b", r#"{"events": ["exec"]}"#, "name"),
        ("a", "{}", "events"),
        ("a", r#"{"events": ["exec", "bind"]}"#, "events[1]"),
        ("a", r#"{"events": ["container_start"]}"#, "events[0]"),
        ("a", r#"{"events": ["container"]}"#, "events[0]"),
        ("a", r#"{"syscalls": ["openat", "open_at"]}"#, "syscalls[1]"),
        ("a", r#"{"syscalls": ["close"], "select": ["event=exec"]}"#, "select"),
        ("a", r#"{"tracepoints": ["sched:*", "sched_process_frok"]}"#, "tracepoints[1]"),
        ("a", r#"{"tracepoints": ["a b"]}"#, "tracepoints[0]"),
        ("a", r#"{"events": ["exec"], "select": ["event=exit"]}"#, "select"),
        ("a", r#"{"events": ["exec"], "select": ["comm=sh", "uid=x"]}"#, "select[1]"),
        ("a", r#"{"events": ["exec"], "drop": [{"bogus": 1}]}"#, "drop[0]"),
        ("a", r#"{"events": ["exec"], "sampleRate": 0}"#, "sampleRate"),
        ("a", r#"{"events": ["exec"], "duration": "0s"}"#, "duration"),
        ("a", r#"{"events": ["exec"], "pid": 0}"#, "pid"),
        ("a", r#"{"events": ["exec"], "cgroup": "system.slice"}"#, "cgroup"),
        ("a", r#"{"events": ["exec"], "containers": ["web", "we?"]}"#, "containers[1]"),
        ("a", r#"{"events": ["exec"], "fieldSelector": "spec.nodeName=a"}"#, "fieldSelector"),
        (
            "a",
            r#"{"events": ["exec"], "labelSelector": {"matchExpressions": [{"key": "a", "operator": "In"}]}}"#,
            "labelSelector.matchExpressions[0].values",
        ),
        (
            "a",
            r#"{"events": ["exec"], "labelSelector": {"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]}}"#,
            "labelSelector.matchExpressions[0].values",
        ),
        (
            "a",
            r#"{"events": ["exec"], "labelSelector": {"matchExpressions": [{"key": "", "operator": "Exists"}]}}"#,
            "labelSelector.matchExpressions[0].key",
        ),
    ] {
        match bench.create(name, spec) {
            Err(CreateError::Invalid(error)) => assert_eq!(error.field, field, "{spec}: {error}"),
            other => panic!("{spec}: {other:?}"),
        }
    }
    for (spec, field) in [
        (r#"{"event": ["exec"]}"#, "event"),
        (r#"{"events": "exec"}"#, "events"),
        (r#"{"sampleRate": -1}"#, "sampleRate"),
        (r#"{"duration": "soon"}"#, "duration"),
        (r#"{"select": ["comm=sh", "comm"]}"#, "select[1]"),
        (r#"{"labelSelector": {"matchLabels": {"app": 1}}}"#, "labelSelector.matchLabels.app"),
        (
            r#"{"labelSelector": {"matchExpressions": [{"key": "a", "op": "In"}]}}"#,
            "labelSelector.matchExpressions[0].op",
        ),
    ] {
        let error = Spec::read(&serde_json::from_str(spec).expect("JSON")).expect_err("no spec");
        assert_eq!(error.field, field, "{spec}: {error}");
    }
}

#[test]
fn names_are_used_once_at_a_time() {
    let mut bench = Bench::new();
    let spec = r#"{"events": ["exec"]}"#;
    bench.run("a", spec);
    let error = bench.create("a", spec).expect_err("a duplicate");
    assert_eq!((error.kind(), error), ("duplicate", CreateError::Duplicate("a".to_owned())));
    bench.delete("a");
    bench.run("a", spec);
}

#[test]
fn there_is_a_limit_to_how_many_run() {
    let mut bench = Bench::new();
    for number in 0..256 {
        bench.run(&number.to_string(), r#"{"events": ["exec"]}"#);
    }
    let error = bench.create("one-more", r#"{"events": ["exec"]}"#).expect_err("too many");
    assert_eq!(error.kind(), "too_many");
    bench.delete("17");
    bench.run("one-more", r#"{"events": ["exec"]}"#);
}
