//! Others who have the same tracepoint open.

use crate::{harness::setup, perf::Hits};

#[test]
#[ignore = "needs root and BTF"]
fn get_every_hit_too() {
    let hits = Hits::of_this_process("sched", "sched_process_fork");
    let fork = || assert!(std::process::Command::new("true").status().expect("it runs").success());
    let exporter = setup().config("tracepoints: ['sched:sched_process_fork']").start();
    let before = hits.count();
    (0..10).for_each(|_| fork());
    assert_eq!(hits.count() - before, 10, "{}", exporter.log());
}
