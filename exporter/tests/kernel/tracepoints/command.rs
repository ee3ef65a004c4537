//! `doubleslit tracepoints` on this kernel.

use std::path::Path;

use doubleslit_testbed::exporter;
use serde_json::Value;

use crate::harness::BINARY;

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let (status, output, error) = exporter::run(Path::new(BINARY), &[&["tracepoints"], arguments].concat());
    (status.code(), output, error)
}

#[test]
#[ignore = "needs root"]
fn lists() {
    let (code, all, error) = run(&[]);
    assert_eq!((code, error.as_str()), (Some(0), ""));
    let all: Vec<_> = all.lines().collect();
    assert!(
        all.len() > 500
            && all.is_sorted_by_key(|name| name.split_once(':'))
            && all.contains(&"sched:sched_process_fork"),
        "{} names",
        all.len()
    );
    let (_, signals, _) = run(&["signal:*"]);
    assert_eq!(signals, "signal:signal_deliver\nsignal:signal_generate\n");
    let (_, signals, _) = run(&["signal_deliver", "-o", "json"]);
    let signals: Value = serde_json::from_str(&signals).expect("JSON");
    let expected = r#"[{"category":"signal","name":"signal_deliver","tracepoint":"signal:signal_deliver"}]"#;
    assert_eq!(signals.to_string(), expected);
}

#[test]
#[ignore = "needs root"]
fn shows_the_fields_of_one() {
    let (code, text, error) = run(&["show", "signal:signal_deliver"]);
    assert_eq!((code, error.as_str()), (Some(0), ""));
    let fields: Vec<_> = text.lines().map(|line| line.split_whitespace().next().unwrap_or_default()).collect();
    let common = ["FIELD", "common_type", "common_flags", "common_preempt_count", "common_pid"];
    assert_eq!(fields, [&common[..], &["sig", "errno", "code", "sa_handler", "sa_flags"]].concat());
    let (_, object, _) = run(&["show", "signal:signal_deliver", "--output", "json"]);
    let object: Value = serde_json::from_str(&object).expect("JSON");
    let sig = r#"{"common":false,"holds":"s32","name":"sig","offset":8,"signed":true,"size":4,"type":"int"}"#;
    assert_eq!(object["fields"][4].to_string(), sig);
}

#[test]
#[ignore = "needs root"]
fn tells_the_closest_names() {
    for arguments in [&["sched:sched_proces_fork"][..], &["show", "sched:sched_proces_fork"]] {
        let (code, output, error) = run(arguments);
        assert_eq!((code, output.as_str()), (Some(1), ""));
        let expected = "this kernel has no tracepoint `sched:sched_proces_fork`: expected a name such as \
                        `sched:sched_process_fork`, ";
        assert!(error.contains(expected) && error.lines().count() == 1, "{error}");
    }
}
