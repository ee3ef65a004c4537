//! Ends and starts of the exporter, and of containers while there is load.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use doubleslit_testbed::{cgroup::Cgroup, scrape::Rows, static_binary};

use crate::{
    bpf_objects::{await_gone, bpf_objects, is_there},
    harness::{assert_conserved, docker, rows, setup},
};

#[test]
#[ignore = "needs root and BTF"]
fn a_signal_ends_it_within_a_second_and_nothing_stays() {
    for signal in [libc::SIGTERM, libc::SIGINT] {
        let mut exporter = setup().start();
        exporter.scrape();
        let objects = bpf_objects(exporter.pid());
        for kind in ["prog", "map", "link"] {
            assert!(objects.iter().any(|(other, _)| other == kind), "{kind} in {objects:?}");
        }
        assert!(objects.iter().all(is_there));
        let start = std::time::Instant::now();
        exporter.signal(signal);
        let status = exporter.await_end();
        let time = start.elapsed();
        assert!(status.success(), "{status}\n{}", exporter.log());
        assert!(time < Duration::from_secs(1), "{time:?}");
        await_gone(&objects);
    }
}

#[test]
#[ignore = "needs root and BTF"]
fn killed_and_started_again() {
    let mut a = docker().load("alpha", &[]);
    let address = doubleslit_testbed::exporter::free_address();
    for _ in 0..3 {
        let mut exporter = setup().launch(address);
        let ready = exporter.await_ready();
        assert!(ready < Duration::from_secs(2), "{ready:?}");
        let change = exporter.during(|| drop(a.load.run("exec 1000")));
        assert_eq!(rows(&change, &a).only(&["process_execs"]), Rows::of([("process_execs", 1000)]));
        let objects = bpf_objects(exporter.pid());
        exporter.kill();
        await_gone(&objects);
    }
}

/// Containers come and go while another one keeps both CPUs busy: every number is exact.
#[test]
#[ignore = "needs root and BTF"]
fn containers_that_come_and_go_during_load() {
    let mut a = docker().load("alpha", &[]);
    let mut exporter = setup().start();
    let before = exporter.scrape();
    let storm = "cpus=0,1 exec 60000";
    a.load.ask(storm);
    for round in 0..3 {
        let mut b = docker().load("beta", &[]);
        b.load.run("cpus=0,1 fork 500");
        let id = b.id.clone();
        drop(b);
        let change = exporter.scrape().since(&before);
        let of_b = change.rows(&[("container_id", &id)]);
        // What the runtime does inside comes on top, before and behind.
        let forks = of_b.0.get("process_forks").copied().unwrap_or_default();
        assert!((500.0..520.0).contains(&forks), "round {round}: {of_b:?}");
    }
    a.load.answer(storm);
    let change = exporter.scrape().since(&before);
    let expected =
        Rows::of([("process_execs", 60_000), ("process_forks", 60_000), ("process_exits outcome=success", 60_000)]);
    assert_eq!(rows(&change, &a).only(&["process_"]), expected);
    assert_conserved(&exporter.scrape());
}

/// Scrapes and reads of the maps never disturb the counting.
#[test]
#[ignore = "needs root and BTF"]
fn scrapes_during_load() {
    let mut a = docker().load("alpha", &[]);
    let id = a.id.clone();
    let mut exporter = setup().start();
    let before = exporter.scrape();
    let storm = "cpus=0,1 exec 50000";
    a.load.ask(storm);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let scraper = scope.spawn(|| {
            let mut last = 0.0;
            while !done.load(Ordering::Relaxed) {
                let execs = exporter.scrape().sum("doubleslit_process_execs_total", &[("container_id", &id)]);
                assert!(execs >= last, "a counter fell from {last} to {execs}");
                last = execs;
                for number in 0..3 {
                    let (cgroup, _) = Cgroup::like_docker(0x3000 + number);
                    cgroup.run(static_binary::load(), &["exec", "1"]);
                }
            }
            exporter.scrape()
        });
        a.load.answer(storm);
        done.store(true, Ordering::Relaxed);
        let after = scraper.join().expect("no counter fell");
        let change = after.since(&before);
        assert_eq!(rows(&change, &a).only(&["process_execs"]), Rows::of([("process_execs", 50_000)]));
        assert_conserved(&after);
    });
}
