//! Hits of tracepoints that the configuration names, counted for containers.

use std::path::Path;

use doubleslit_testbed::{
    exporter,
    scrape::{Rows, Scrape},
    wait,
};

use crate::harness::{BINARY, assert_conserved, assert_rows, docker, host_rows, nothing, rows, setup};

const HITS: &str = "doubleslit_tracepoint_hits_total";

/// Everything that was counted is in a row, or was in one.
fn assert_balanced(scrape: &Scrape) {
    let of = |metric: &str| scrape.sum(metric, &[("event", "tracepoint")]);
    let (counted, retired) = (of("doubleslit_events_counted_total"), of("doubleslit_events_retired_total"));
    assert_eq!(counted, scrape.sum(HITS, &[]) + retired, "counted = rows + retired ({retired})");
}

#[test]
#[ignore = "needs root and BTF"]
fn of_two_containers_and_the_host() {
    let (mut a, mut b) = (docker().load("alpha", &[]), docker().load("beta", &[]));
    let names = "tracepoints: ['sched:sched_process_fork', sched_process_exec, 'syscalls:sys_enter_execve']";
    let mut exporter = setup().config(names).start();
    let change = exporter.during(|| drop(a.load.run("cpus=0,1 fork 10000")));
    let expected = Rows::of([("tracepoint_hits tracepoint=sched:sched_process_fork", 10_000)]);
    assert_rows(&change, &rows(&change, &a).only(&["tracepoint_hits"]), &expected, "forks");
    assert_eq!(rows(&change, &b), nothing());

    let change = exporter.during(|| {
        b.load.run("exec 300");
        b.load.run("exec-missing 50");
    });
    let expected = Rows::of([
        ("tracepoint_hits tracepoint=sched:sched_process_fork", 300),
        ("tracepoint_hits tracepoint=sched:sched_process_exec", 300),
        ("tracepoint_hits tracepoint=syscalls:sys_enter_execve", 350),
    ]);
    assert_rows(&change, &rows(&change, &b).only(&["tracepoint_hits"]), &expected, "executions");
    assert_eq!(rows(&change, &a), nothing());

    let host = exporter.during(|| assert!(std::process::Command::new("true").status().expect("it runs").success()));
    let execs = host_rows(&host).only(&["tracepoint_hits tracepoint=sched:sched_process_exec"]);
    assert!(execs.0.values().sum::<f64>() >= 1.0, "{host:?}");
    let scrape = exporter.scrape();
    let program = [("program", "tracepoint_hit"), ("kind", "tracepoint"), ("attach", "perf_event")];
    assert_eq!(scrape.matching("doubleslit_bpf_program_info", &program).count(), 1, "one program for all of them");
    assert_conserved(&scrape);
    assert_balanced(&scrape);
}

#[test]
#[ignore = "needs root and BTF"]
fn split_by_fields_until_the_container_is_gone() {
    let split = "tracepoints: ['signal:*', {name: 'signal:signal_generate', by: [sig, result]}, \
                 {name: 'sched:sched_process_exit', by: [group_dead]}]\nretention: {grace: 100ms}";
    let mut exporter = setup().config(split).start();
    let mut a = docker().load("alpha", &[]);
    for signal in [libc::SIGUSR1, libc::SIGUSR2] {
        let change = exporter.during(|| drop(a.load.run(&format!("signal {signal} 500"))));
        let row = |labels: &str| format!("tracepoint_hits {labels}");
        let expected = Rows::of([
            (
                row(&format!("field_group_dead= field_result=0 field_sig={signal} tracepoint=signal:signal_generate"))
                    .as_str(),
                500,
            ),
            (&row("field_group_dead= field_result= field_sig= tracepoint=signal:signal_deliver"), 500),
        ]);
        assert_rows(&change, &rows(&change, &a).only(&["tracepoint_hits"]), &expected, "signals");
    }
    assert_conserved(&exporter.scrape());
    let id = a.id.clone();
    drop(a);
    let scrape = wait::until("the container's rows are gone", || {
        let scrape = exporter.scrape();
        (scrape.matching(HITS, &[("container_id", &id)]).count() == 0).then_some(scrape)
    });
    assert!(scrape.sum("doubleslit_events_retired_total", &[("event", "tracepoint")]) >= 2000.0, "{}", exporter.log());
    assert_balanced(&scrape);
}

/// A full map takes the values away, not the hits.
#[test]
#[ignore = "needs root and BTF"]
fn more_values_than_find_a_place() {
    let full = "tracepoints: [{name: 'signal:signal_generate', by: [sig]}]\nmaps: {hits: 1}";
    let mut exporter = setup().config(full).start();
    let mut a = docker().load("alpha", &[]);
    let change = exporter.during(|| {
        for signal in libc::SIGRTMIN()..libc::SIGRTMIN() + 16 {
            a.load.run(&format!("signal {signal} 10"));
        }
    });
    assert_eq!(change.sum(HITS, &[("container_id", &a.id)]), 160.0, "{change:?}");
    let other = change.sum(HITS, &[("container_id", &a.id), ("field_sig", "other")]);
    assert!(other > 0.0, "{change:?}");
    let folded = [("metric", "doubleslit_tracepoint_hits"), ("reason", "full")];
    assert!(change.sum("doubleslit_counts_folded_total", &folded) >= other);
    assert!(change.sum("doubleslit_bpf_map_update_errors_total", &[("map", "hits"), ("reason", "full")]) >= other);
    assert_balanced(&exporter.scrape());
}

/// A pattern passes over what takes no program, and says so.
#[test]
#[ignore = "needs root and BTF"]
fn patterns_mean_what_can_be_counted() {
    let mut exporter = setup().config("tracepoints: ['ftrace:*', 'signal:*']").start();
    let mut a = docker().load("alpha", &[]);
    let change = exporter.during(|| drop(a.load.run(&format!("signal {} 20", libc::SIGUSR1))));
    let expected = Rows::of([
        ("tracepoint_hits tracepoint=signal:signal_generate", 20),
        ("tracepoint_hits tracepoint=signal:signal_deliver", 20),
    ]);
    assert_rows(&change, &rows(&change, &a).only(&["tracepoint_hits"]), &expected, "signals");
    let log = exporter.log();
    let refused = |line: &&str| line.contains("hits are not seen") && line.contains("tracepoint=ftrace:");
    assert!(log.lines().filter(refused).count() > 5, "{log}");
}

#[test]
#[ignore = "needs root and BTF"]
fn what_cannot_be_counted_is_told_at_start() {
    for (tracepoints, expected) in [
        (
            "[sched:sched_proces_fork]",
            "cannot count hits of tracepoints: this kernel has no tracepoint `sched:sched_proces_fork`: expected a name such as \
             `sched:sched_process_fork`, ",
        ),
        (
            "[{name: sched_process_fork, by: [parent]}]",
            "cannot split hits: the tracepoint `sched:sched_process_fork` has no field `parent`: expected one of ",
        ),
        ("['ftrace:function']", "cannot attach to the tracepoint `ftrace:function`: "),
        ("['ftrace:*']", "cannot attach to the tracepoint `ftrace:"),
    ] {
        let file = tempfile::NamedTempFile::new().expect("a file can be made");
        std::fs::write(file.path(), format!("tracepoints: {tracepoints}\n")).expect("a file can be written");
        let config = format!("--config.file={}", file.path().display());
        let address = format!("--web.listen-address={}", exporter::free_address());
        let arguments = ["run", &address, &config];
        let (status, _, error) = exporter::run(Path::new(BINARY), &arguments);
        assert_eq!(status.code(), Some(1), "{error}");
        assert!(error.contains(expected), "{error}");
    }
}
