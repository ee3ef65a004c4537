//! More series than the limits allow: what would need a further one is in a row `other`, and a counter says so.

use doubleslit_testbed::scrape::{Rows, Scrape};

use crate::harness::{assert_balanced, docker, host_rows, nothing, rows, setup};

const GENERATED: &str = "doubleslit_signals_generated_total";

/// A family's increments that are in a row `other`, whoever's it is, are what was folded.
fn assert_told(change: &Scrape, family: &str, reason: &str) {
    let labels = [("metric", family), ("reason", reason)];
    let folded = change.sum("doubleslit_counts_folded_total", &labels);
    assert_eq!(change.sum(&format!("{family}_total"), &[("signal", "other")]), folded, "{family} {reason}");
}

#[test]
#[ignore = "needs root and BTF"]
fn of_a_container() {
    let (mut a, mut b) = (docker().load("alpha", &[]), docker().load("beta", &[]));
    let mut exporter = setup().config("limits: {series_per_container: 6}").start();
    // Three rows for each signal: generated, who sent it, delivered.
    for (number, name) in [(libc::SIGUSR1, "SIGUSR1"), (libc::SIGUSR2, "SIGUSR2")] {
        let change = exporter.during(|| drop(a.load.run(&format!("signal {number} 5"))));
        let expected = Rows::of([
            (format!("signals_generated result=delivered signal={name}").as_str(), 5),
            (&format!("signal_edges result=delivered sender_container=alpha sender_namespace= signal={name}"), 5),
            (&format!("signals_delivered signal={name}"), 5),
        ]);
        assert_eq!(rows(&change, &a), expected);
    }
    let before = exporter.scrape();
    a.load.run(&format!("signal {} 7", libc::SIGWINCH));
    a.load.run(&format!("signal {} 8", libc::SIGURG));
    a.load.run(&format!("signal {} 9", libc::SIGUSR1));
    let after = exporter.scrape();
    let change = after.since(&before);
    let expected = Rows::of([
        ("signals_generated result=delivered signal=SIGUSR1", 9),
        ("signal_edges result=delivered sender_container=alpha sender_namespace= signal=SIGUSR1", 9),
        ("signals_delivered signal=SIGUSR1", 9),
        ("signals_generated result=other signal=other", 15),
        ("signal_edges result=other sender_container=other sender_namespace=other signal=other", 15),
        ("signals_delivered signal=other", 15),
    ]);
    assert_eq!(rows(&change, &a), expected);
    for family in ["doubleslit_signals_generated", "doubleslit_signal_edges", "doubleslit_signals_delivered"] {
        assert_told(&after, family, "container_limit");
    }
    // The rows that every container has are never in the way, and each container has its own limit.
    let change = exporter.during(|| {
        a.load.run("exec 10");
        b.load.run(&format!("signal {} 5", libc::SIGWINCH));
    });
    let expected = Rows::of([("process_execs", 10), ("process_forks", 10), ("process_exits outcome=success", 10)]);
    assert_eq!(rows(&change, &a).only(&["process_"]), expected);
    assert_eq!(rows(&change, &b).only(&["signals_delivered"]), Rows::of([("signals_delivered signal=SIGWINCH", 5)]));
    assert_balanced(&exporter.scrape());
}

#[test]
#[ignore = "needs root and BTF"]
fn of_a_family() {
    let mut a = docker().load("alpha", &[]);
    let mut exporter = setup().config("limits: {series_per_family: 1}").start();
    // The end of a child of this process is the host's.
    let host = exporter.during(|| assert!(std::process::Command::new("true").status().expect("it runs").success()));
    assert!(!host_rows(&host).only(&["signals_generated"]).0.is_empty(), "the host has the one row");

    let before = exporter.scrape();
    a.load.run(&format!("signal {} 500", libc::SIGUSR1));
    a.load.run("exec 10");
    let after = exporter.scrape();
    assert_eq!(after.matching(GENERATED, &[]).count(), 2, "the row of the host and the row `other`");
    let change = after.since(&before);
    let other = [("container", "other"), ("container_id", ""), ("signal", "other"), ("result", "other")];
    // Who else sends signals meanwhile has no row either.
    assert!(change.sum(GENERATED, &other) >= 510.0, "{change:?}");
    let expected = Rows::of([("process_execs", 10), ("process_forks", 10), ("process_exits outcome=success", 10)]);
    assert_eq!(rows(&change, &a).only(&["process_"]), expected);
    assert_eq!(rows(&change, &a).only(&["signals_generated", "signal_edges"]), nothing());
    for family in ["doubleslit_signals_generated", "doubleslit_signal_edges"] {
        assert_told(&after, family, "family_limit");
    }
    assert_balanced(&after);
}
