//! A thousand containers that live for a moment.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use doubleslit_testbed::{bare::Bare, cgroup::Cgroup, exporter::Exporter, rootfs, scrape::Scrape, static_binary, wait};

use crate::harness::{assert_conserved, executions, setup};

const CONTAINERS: u64 = 1000;

/// How many containers there are between two scrapes: their rows are still there at the second one.
const BATCH: u64 = 100;

/// How long rows of a container stay in these tests.
const GRACE: Duration = Duration::from_secs(10);

/// How much more memory the exporter may have afterwards: what its allocator keeps.
const KEPT: f64 = 8.0 * 1024.0 * 1024.0;

/// The id of the container with a number.
fn id(number: u64) -> String {
    Cgroup::docker_id(0x1000 + number)
}

/// Runs all containers on both CPUs; `run` runs the one with a number and tells how long it was there. After each batch,
/// `check` gets the number of each container of the batch, and what changed.
fn in_batches(run: impl Fn(u64) -> Duration + Sync, check: impl Fn(u64, &Scrape)) {
    let mut exporter = setup().config("retention: {grace: 10s}").start();
    let before = exporter.scrape();
    let (next, longest, start) = (AtomicU64::new(0), AtomicU64::new(0), Instant::now());
    for batch in 0..CONTAINERS / BATCH {
        let end = (batch + 1) * BATCH;
        next.store(batch * BATCH, Ordering::Relaxed);
        let change = exporter.during(|| {
            thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| {
                        while let number = next.fetch_add(1, Ordering::Relaxed)
                            && number < end
                        {
                            longest.fetch_max(run(number).as_millis() as u64, Ordering::Relaxed);
                        }
                    });
                }
            });
        });
        (batch * BATCH..end).for_each(|number| check(number, &change));
    }
    println!("{CONTAINERS} containers took {:?}, the longest-lived was there for {longest:?} ms", start.elapsed());

    let after = exporter.scrape();
    for event in ["container_start", "container_stop"] {
        let counted = after.since(&before).sum("doubleslit_events_counted_total", &[("event", event)]);
        assert_eq!(counted, CONTAINERS as f64, "{event}");
    }
    assert_conserved(&after);
    assert_forgotten(&mut exporter, &before);
}

/// Waits until what the containers left is gone, and checks that all of it is.
fn assert_forgotten(exporter: &mut Exporter, before: &Scrape) {
    let entries = |scrape: &Scrape| scrape.sum("doubleslit_bpf_map_entries", &[]);
    let resident = |scrape: &Scrape| scrape.sum("process_resident_memory_bytes", &[]);
    // The host's own rows may have become a few more.
    let after = wait::within(GRACE * 6, "entries and rows of the containers go", || {
        let scrape = exporter.scrape();
        let series = scrape.0.len();
        (entries(&scrape) < entries(before) + 50.0 && series < before.0.len() + 50).then_some(scrape)
    });
    assert_conserved(&after);
    let memory = (resident(before), resident(&after));
    println!("resident memory: {memory:?} bytes");
    assert!(memory.1 < memory.0 + KEPT, "resident memory: {memory:?} bytes");
}

/// Nothing but the load is ever in these cgroups, so every number is known.
#[test]
#[ignore = "needs root and BTF"]
fn a_thousand_cgroups_are_exact() {
    let load = static_binary::load();
    let children = |number| number % 10;
    let run = |number| {
        let start = Instant::now();
        Cgroup::create(&format!("/docker/{}", id(number))).run(load, &["exec", &children(number).to_string()]);
        start.elapsed()
    };
    in_batches(run, |number, change| {
        let rows = change.rows(&[("container_id", &id(number))]);
        // The load itself is executed too.
        assert_eq!(rows.only(&["process_"]), executions(children(number) + 1), "container {number}");
    });
}

/// Real containers. runc moves its child into the container's cgroup while the child is on its way: the child's execution of
/// `runc init` and then of a sealed copy of it can end before or after the move. Then come the container's process and what
/// it executes.
#[test]
#[ignore = "needs root and BTF"]
fn a_thousand_containers_by_runc() {
    let runc = Bare::runc();
    let run = |number| {
        let start = Instant::now();
        runc.run(&id(number), &[rootfs::LOAD, "exec", "3"]);
        start.elapsed()
    };
    in_batches(run, |number, change| {
        let execs = change.sum("doubleslit_process_execs_total", &[("container_id", &id(number))]);
        assert!([4.0, 5.0, 6.0].contains(&execs), "{execs} executions in container {number}");
    });
}
