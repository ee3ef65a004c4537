//! Counts through reloads: nothing is lost, and nothing comes twice.

use std::thread;

use doubleslit_testbed::{
    docker::LoadContainer,
    exporter::Setup,
    scrape::{Rows, Scrape},
};

use super::{Enough, Until, take_over, with};
use crate::harness::{assert_conserved, docker, rows, setup_with};

/// `lookup_dcookie`, which nobody calls: kernels have it no more, and still count the call.
const CALL: i64 = libc::SYS_lookup_dcookie;

/// How many reloads happen while there is load.
const RELOADS: usize = 24;

fn counted(scrape: &Scrape) -> f64 {
    scrape.sum("doubleslit_events_counted_total", &[("event", "syscall")])
}

/// Configurations that count the call, with labels, rules and limits of their own.
fn setups() -> Vec<Setup> {
    let counting = "probes: {syscall: true}\nsyscalls: {calls: [lookup_dcookie]}";
    let labelled = |identity: &str, lines: &str| setup_with(identity).config(counting).config(lines);
    vec![
        labelled("unit: false", ""),
        labelled("unit: false", "ignore: [{container: reloaded-one}]"),
        labelled("labels: [container]", "ignore: [{container: reloaded-two}]"),
        labelled("labels: [container, namespace], unit: true", "limits: {series_per_container: 1}"),
        labelled("labels: [image], extra_labels: [team]", "limits: {series_per_family: 1}\nretention: {grace: 1s}"),
        labelled("unit: false", "ignore: [{image: '*'}]\nretention: {grace: 1m}"),
    ]
}

#[test]
#[ignore = "needs root and BTF"]
fn every_count_is_there_once() {
    let mut one = docker().load("reloaded-one", &["--label=team=blue"]);
    let mut two = docker().load("reloaded-two", &[]);
    let setups = setups();
    let mut exporter = setups[0].start();
    let before = counted(&exporter.scrape());
    let (enough, call) = (Enough::default(), format!("syscall {CALL}"));
    let calls: usize = thread::scope(|scope| {
        let (until, enough, call) = (Until(&enough), &enough, &call);
        let loads = [&mut one, &mut two].map(|container| scope.spawn(move || enough.repeat(container, call)));
        let mut last = before;
        for setup in setups.iter().cycle().skip(1).take(RELOADS) {
            take_over(&exporter, setup);
            let scrape = exporter.scrape();
            assert_balance(&scrape);
            assert!(counted(&scrape) >= last, "{} after {last}", counted(&scrape));
            last = counted(&scrape);
        }
        drop(until);
        loads.map(|load| load.join().expect("the load runs")).iter().sum()
    });
    let scrape = exporter.scrape();
    assert_balance(&scrape);
    let skipped = scrape.sum("doubleslit_bpf_program_misses_total", &[]);
    let counted = counted(&scrape) - before;
    println!("{calls} calls through {RELOADS} reloads, {counted} counted, {skipped} runs skipped");
    assert_eq!(counted, calls as f64);
    assert_eq!(scrape.sum("doubleslit_poll_failures_total", &[]), 0.0);
}

/// Checks that of everything, what is in rows and what is retired is all that was counted.
fn assert_balance(scrape: &Scrape) {
    let of = |what: &str| scrape.sum(&format!("doubleslit_events_{what}_total"), &[("event", "syscall")]);
    let in_rows = scrape.sum("doubleslit_syscalls_total", &[]);
    assert_eq!(of("counted"), in_rows + of("retired"), "{in_rows} in rows");
}

#[test]
#[ignore = "needs root and BTF"]
fn who_is_ignored_has_no_rows_and_begins_anew() {
    let mut container = docker().load("reload-ignored", &[]);
    let mut web = docker().load("reload-kept", &[]);
    let plain = with("");
    let ignoring = with("ignore: [{container: reload-ignored}]");
    let mut exporter = plain.start();
    let outcome = |count| Rows::of([("process_exits outcome=success", count)]);
    let succeeded = |scrape: &Scrape, of: &LoadContainer<'_>| rows(scrape, of).only(&["process_exits outcome=success"]);
    let (first, kept) = (succeeded(&exporter.scrape(), &container), succeeded(&exporter.scrape(), &web));
    container.load.run("exec 10");
    web.load.run("exec 20");
    take_over(&exporter, &ignoring);
    container.load.run("exec 30");
    web.load.run("exec 40");
    let scrape = exporter.scrape();
    assert_eq!(rows(&scrape, &container), Rows::of([]), "it has rows that stayed");
    let of_kept = |scrape: &Scrape| succeeded(scrape, &web).0.values().sum::<f64>() - kept.0.values().sum::<f64>();
    assert_eq!(of_kept(&scrape), 60.0, "rows of others go on");
    assert_eq!(scrape.sum("doubleslit_events_ignored_total", &[("event", "exec")]), 30.0);
    assert_conserved(&scrape);
    take_over(&exporter, &plain);
    container.load.run("exec 5");
    let scrape = exporter.scrape();
    assert_eq!(succeeded(&scrape, &container), outcome(5), "it begins anew; before, it had {first:?}");
    assert_eq!(of_kept(&scrape), 60.0);
    assert_conserved(&scrape);
}
