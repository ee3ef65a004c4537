//! A thousand containers that live for a moment.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use doubleslit_testbed::{cgroup::Cgroup, exporter::Exporter, rootfs, runc::Runc, scrape::Scrape, static_binary, wait};

use crate::harness::{assert_conserved, setup};

const CONTAINERS: u64 = 1000;

/// How long rows of a container stay in these tests.
const GRACE: Duration = Duration::from_secs(3);

fn exporter() -> Exporter {
    setup().config("retention: {grace: 3s}").start()
}

/// Runs containers on both CPUs; `run` gets a number and tells how long the container was there.
fn all_containers(run: impl Fn(u64) -> Duration + Sync) {
    let next = AtomicU64::new(0);
    let longest = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let number = next.fetch_add(1, Ordering::Relaxed)
                    && number < CONTAINERS
                {
                    let lived = run(number).as_millis() as u64;
                    longest.fetch_max(lived, Ordering::Relaxed);
                }
            });
        }
    });
    println!("the longest-lived of {CONTAINERS} containers was there for {longest:?} ms");
}

/// Starts and stops of all containers.
fn lifecycles(change: &Scrape) -> (f64, f64) {
    (change.sum("doubleslit_container_starts_total", &[]), change.sum("doubleslit_container_stops_total", &[]))
}

/// Waits until what they left is gone, and checks that all of it is.
fn assert_forgotten(exporter: &mut Exporter, before: &Scrape) {
    let entries = |scrape: &Scrape| scrape.sum("doubleslit_bpf_map_entries", &[("map", "counts")]);
    let series = |scrape: &Scrape| scrape.0.len();
    // The host's own rows may have become a few more.
    let after = wait::within(GRACE * 10, "entries and rows of the containers go", || {
        let scrape = exporter.scrape();
        let forgotten = entries(&scrape) <= entries(before) + 50.0 && series(&scrape) <= series(before) + 50;
        forgotten.then_some(scrape)
    });
    assert_conserved(&after);
    let execs = |scrape: &Scrape| scrape.sum("doubleslit_events_retired_total", &[("event", "exec")]);
    assert!(execs(&after) > execs(before));
}

fn resident(scrape: &Scrape) -> f64 {
    scrape.value("process_resident_memory_bytes", &[]).expect("it is there")
}

/// Nothing but the load is ever in these cgroups, so every number is known.
#[test]
#[ignore = "needs root and BTF"]
fn a_thousand_cgroups_are_exact() {
    let mut exporter = exporter();
    let before = exporter.scrape();
    let load = static_binary::load();
    all_containers(|number| {
        let start = Instant::now();
        let (cgroup, _) = Cgroup::like_docker(0x1000 + number);
        cgroup.run(load, &["exec", &number.to_string()]);
        drop(cgroup);
        start.elapsed()
    });
    let after = exporter.scrape();
    let change = after.since(&before);
    assert_eq!(lifecycles(&change), (CONTAINERS as f64, CONTAINERS as f64));
    for number in 0..CONTAINERS {
        let id = format!("d0b1e511{:056x}", 0x1000 + number);
        let of = |name| change.sum(name, &[("container_id", &id)]);
        let expected = (number + 1) as f64;
        assert_eq!(of("doubleslit_process_execs_total"), expected, "executions in container {number}");
        assert_eq!(of("doubleslit_process_forks_total"), expected, "forks in container {number}");
        assert_eq!(of("doubleslit_process_exits_total"), expected, "exits in container {number}");
    }
    assert_conserved(&after);
    assert_forgotten(&mut exporter, &before);
}

/// Real containers. Part of runc's own start happens inside: its children on their way, and sometimes its execution of a
/// copy of itself, so that these numbers have a least and a greatest value.
#[test]
#[ignore = "needs root and BTF"]
fn a_thousand_containers_by_runc() {
    const EXECS: u64 = 3;
    let runc = Runc::new();
    let mut exporter = exporter();
    let before = exporter.scrape();
    let warm = Instant::now();
    all_containers(|number| {
        let start = Instant::now();
        runc.run(&format!("d0b1e511{:056x}", 0x2000 + number), &[rootfs::LOAD, "exec", &EXECS.to_string()]);
        start.elapsed()
    });
    println!("{CONTAINERS} containers by runc took {:?}", warm.elapsed());
    let after = exporter.scrape();
    let change = after.since(&before);
    assert_eq!(lifecycles(&change), (CONTAINERS as f64, CONTAINERS as f64));
    for number in 0..CONTAINERS {
        let id = format!("d0b1e511{:056x}", 0x2000 + number);
        let execs = change.sum("doubleslit_process_execs_total", &[("container_id", &id)]);
        let least = (EXECS + 1) as f64;
        assert!(execs == least || execs == least + 1.0, "{execs} executions in container {number}");
    }
    assert_conserved(&after);
    let grown = resident(&after) - resident(&before);
    println!("resident memory grew by {grown} bytes, to {}", resident(&after));
    assert_forgotten(&mut exporter, &before);
}
