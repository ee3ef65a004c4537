//! Histograms of how long calls take.

use std::{collections::BTreeSet, os::unix::process::parent_id};

use doubleslit::{
    bpf::object::{self, KERNEL_BTF},
    counts::source::{CountSource as _, Reading},
    filter::Owners,
    probes::syscall::Calls,
};
use doubleslit_common::{kind::Kind, probes::syscall_latency::BOUNDS};
use doubleslit_testbed::{
    scrape::{Scrape, bound_label},
    wait,
};

use super::{
    Exporter, LoadContainer, NO_CALL, Rows, assert_conserved, counting_with, rows, setup,
    time::{SLEEP, assert_within, bounds, seconds},
};
use crate::{
    harness::{assert_balanced, docker},
    prometheus::Prometheus,
};

const LATENCY: &str = "doubleslit_syscall_latency_seconds";
const GETPPID: &str = "getppid";

fn keeping(histograms: &str) -> (Exporter, LoadContainer<'static>, LoadContainer<'static>) {
    counting_with(&format!("histograms: [{histograms}]"))
}

/// What a container's histogram of a call says has been added.
#[derive(Debug)]
struct Histogram {
    /// How many calls took no longer than each of the bounds.
    within: Vec<f64>,
    count: f64,
    sum: f64,
}

impl Histogram {
    /// Checks that it is one: that its buckets add up, and that the sum is one of such calls.
    fn of(change: &Scrape, container: &LoadContainer<'_>, call: &str) -> Self {
        let labels = [("container_id", container.id.as_str()), ("syscall", call)];
        let sum = |suffix: &str, labels: &[(&str, &str)]| change.sum(&format!("{LATENCY}_{suffix}"), labels);
        let within = |bound: f64| sum("bucket", &[&labels[..], &[("le", &bound_label(bound))]].concat());
        let bounds = BOUNDS.map(|bound| bound as f64 / 1e9);
        let histogram =
            Self { within: bounds.map(within).to_vec(), count: sum("count", &labels), sum: sum("sum", &labels) };
        assert!(histogram.within.is_sorted(), "{histogram:?}");
        let last = histogram.within.last().copied().expect("there are bounds");
        assert_eq!(within(f64::INFINITY), histogram.count);
        assert!(last <= histogram.count);
        let (mut before, mut bound_before, mut at_least, mut at_most) = (0.0, 0.0, 0.0, 0.0);
        for (within, bound) in histogram.within.iter().zip(bounds) {
            at_least += (within - before) * bound_before;
            at_most += (within - before) * bound;
            (before, bound_before) = (*within, bound);
        }
        at_least += (histogram.count - last) * bound_before;
        if last < histogram.count {
            at_most = f64::INFINITY;
        }
        // Of floats, so that the last digits may differ.
        assert_within(histogram.sum, &(at_least - 1e-6..=at_most + 1e-6));
        histogram
    }
}

/// How many of a container's calls were timed, as the counts say.
fn timed(change: &Scrape, container: &LoadContainer<'_>, call: &str) -> f64 {
    let labels = [("container_id", container.id.as_str()), ("syscall", call)];
    change.sum("doubleslit_syscalls_total", &labels) - change.sum("doubleslit_syscalls_untimed_total", &labels)
}

#[test]
#[ignore = "needs root and BTF"]
fn sleeps_of_four_threads_and_a_short_call() {
    let (mut exporter, mut a, mut b) = keeping("clock_nanosleep, getppid, recvfrom, read");
    let storm = format!("cpus=0,1 syscall {} 200000", libc::SYS_getppid);
    // What has no beginning: the loads have waited for a command since before the exporter.
    for load in [&mut a.load, &mut b.load] {
        drop(load.run(&format!("syscall {NO_CALL} 1")));
    }
    let mut answer = String::new();
    let change = exporter.during(|| {
        b.load.ask(&storm);
        answer = a.load.run("sleeps 4 100 10");
        b.load.answer(&storm);
    });
    let (sleeps, short) = (Histogram::of(&change, &a, SLEEP), Histogram::of(&change, &b, GETPPID));
    assert_eq!((sleeps.count, short.count), (400.0, 200_000.0));
    let ten_milliseconds = BOUNDS.iter().position(|bound| *bound == 10_000_000).expect("it is a bound");
    assert_eq!(sleeps.within[ten_milliseconds], 0.0, "{sleeps:?}");
    assert_within(sleeps.sum, &bounds(&answer));
    for (container, call, histogram) in [(&a, SLEEP, &sleeps), (&b, GETPPID, &short)] {
        assert_eq!(histogram.sum, seconds(&change, container, call), "{call}");
    }
    // What a load does beside that, to be told what to do.
    for container in [&a, &b] {
        let told = ["recvfrom", "read"].map(|call| {
            let timed = timed(&change, container, call);
            assert_eq!(Histogram::of(&change, container, call).count, timed, "{call}");
            timed
        });
        assert!(told.iter().sum::<f64>() > 0.0, "it was told");
    }
    // Times of other calls are measured too.
    assert!(seconds(&change, &a, "mmap") > 0.0);
    assert_eq!(change.matching(&format!("{LATENCY}_count"), &[("syscall", "mmap")]).count(), 0);
    assert_conserved(&exporter.scrape());
}

#[test]
#[ignore = "needs root and BTF"]
fn they_go_with_their_container() {
    let (a, mut b) = (docker().load("alpha", &[]), docker().load("beta", &[]));
    let settings = "syscalls: {calls: [getppid], histograms: [getppid]}";
    let setup = setup().config("probes: {syscall: true}").config(settings).config("retention: {grace: 0s}");
    let mut exporter = setup.start();
    b.load.run(&format!("syscall {} 5000", libc::SYS_getppid));
    let before = exporter.scrape();
    assert_eq!(Histogram::of(&before, &b, GETPPID).count, 5000.0);
    let (id, event) = (b.id.clone(), [("event", "syscall_latency")]);
    drop(b);
    let after = wait::until("its rows are gone", || {
        let scrape = exporter.scrape();
        (scrape.matching(&format!("{LATENCY}_count"), &[("container_id", &id)]).count() == 0).then_some(scrape)
    });
    assert!(after.since(&before).sum("doubleslit_events_retired_total", &event) >= 5000.0);
    assert_conserved(&after);
    drop(a);
}

/// There is room for one histogram. What comes later has one together, with its buckets and its times.
#[test]
#[ignore = "needs root and BTF"]
fn past_a_limit() {
    let mut a = docker().load("alpha", &[]);
    let settings = "syscalls: {calls: [clock_nanosleep, getppid], histograms: [all]}";
    let setup = setup().config("probes: {syscall: true}").config(settings);
    let mut exporter = setup.config("limits: {series_per_container: 40}").start();
    let storm = format!("syscall {} 1000", libc::SYS_getppid);
    // What is there goes on.
    for (command, call, count) in
        [("sleeps 1 5 10", SLEEP, 5.0), (storm.as_str(), "other", 1000.0), ("sleeps 1 3 10", SLEEP, 3.0)]
    {
        let change = exporter.during(|| drop(a.load.run(command)));
        let histogram = Histogram::of(&change, &a, call);
        assert_eq!((histogram.count, histogram.sum), (count, seconds(&change, &a, call)), "{command}");
        let all = change.sum(&format!("{LATENCY}_count"), &[("container_id", &a.id)]);
        assert_eq!(all, count, "{command}: in no other histogram");
    }
    let folded = [("metric", LATENCY), ("reason", "container_limit")];
    assert!(exporter.scrape().sum("doubleslit_counts_folded_total", &folded) >= 1000.0);
    assert_balanced(&exporter.scrape());
}

#[test]
#[ignore = "needs root and BTF"]
fn prometheus_computes_quantiles() {
    let (exporter, mut a, _b) = keeping(SLEEP);
    a.load.run("sleeps 2 20 10");
    let prometheus = Prometheus::scraping(exporter.address);
    let labels = format!("{{container_id=\"{}\",syscall=\"{SLEEP}\"}}", a.id);
    assert_eq!(prometheus.query(&format!("{LATENCY}_count{labels}")), Some(40.0));
    let median = prometheus.query(&format!("histogram_quantile(0.5,{LATENCY}_bucket{labels})")).expect("a number");
    assert_within(median, &(0.01..=10.0));
}

/// Without histograms, there is nothing of them in the programs.
#[test]
#[ignore = "needs root and BTF"]
fn off_by_default() {
    let (mut exporter, mut a, _b) = counting_with("calls: [getppid], time: true");
    let change = exporter.during(|| drop(a.load.run(&format!("syscall {} 100", libc::SYS_getppid))));
    let counted = [("syscalls errno=OK syscall=getppid", 100)];
    assert_eq!(rows(&change, &a).only(&["syscalls", "syscall_latency"]), Rows::of(counted));
    let scrape = exporter.scrape();
    assert!(scrape.0.keys().all(|series| !series.name.starts_with(LATENCY)));
    let event = [("event", "syscall_latency")];
    assert_eq!(scrape.value("doubleslit_events_counted_total", &event), None);

    let mut with_histograms = Calls::all();
    assert!(with_histograms.add_histograms(&Calls::all()));
    let (counted, _) = loaded(Calls::all(), false);
    assert_eq!(counted, BTreeSet::from([Kind::Syscall]));
    assert_eq!(loaded(with_histograms.clone(), false).0, counted, "there are no times");
    let (timed, bytes) = loaded(Calls::all(), true);
    assert_eq!(timed, BTreeSet::from([Kind::Syscall, Kind::SyscallTime]));
    let (all, more_bytes) = loaded(with_histograms, true);
    assert_eq!(all, BTreeSet::from([Kind::Syscall, Kind::SyscallTime, Kind::SyscallLatency]));
    println!("{bytes} bytes of program without histograms, {more_bytes} with them");
    assert!(bytes < more_bytes);
}

/// The kinds that are counted of calls that were timed, and how long the program is that counts, in bytes.
fn loaded(calls: Calls, call_times: bool) -> (BTreeSet<Kind>, u32) {
    let settings = object::Settings {
        probes: vec!["syscall"],
        calls,
        call_times,
        calls_of: Owners::default(),
        counts: 65536,
        edges: 1,
        tracepoints: None,
        events: None,
        stats: false,
        pin: None,
        btf: KERNEL_BTF.into(),
    };
    let mut loaded = object::load(&settings).expect("the programs are loaded");
    // A call of this process.
    let _ = parent_id();
    let mut reading = Reading::default();
    loaded.counts.read(&mut reading).expect("the maps are read");
    let kinds = reading.counts.iter().filter_map(|(key, _)| key.kind());
    let kinds = kinds.filter(|kind| kind.is_of_syscalls() && *kind != Kind::SyscallUntimed).collect();
    let program = loaded.object.programs.iter().find(|attached| attached.program.name == "syscall").expect("attached");
    let id = program.status().expect("it is loaded").id;
    let info = aya::programs::loaded_programs().flatten().find(|info| info.id() == id).expect("it is loaded");
    (kinds, info.size_translated().expect("the kernel tells"))
}
