//! Exporters that are killed at any moment: while they start, give slots, take entries out of the maps, or end.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use doubleslit_testbed::{bpffs::BpfFs, cgroup::Cgroup, exporter::free_address, scrape::Scrape, static_binary};

use super::pinned;
use crate::harness::{assert_balanced, docker};

const ROUNDS: u64 = 16;

/// Calls of a number that no architecture has: nobody else makes them.
const CALL: &str = "syscall 1000 100";

fn counted(scrape: &Scrape) -> u64 {
    scrape.sum("doubleslit_events_counted_total", &[("event", "syscall")]) as u64
}

/// Containers that call a hundred times, again and again, and go, until they are told to stop. Says how many calls there were.
fn come_and_go(round: u64, stop: &AtomicBool) -> u64 {
    let mut calls = 0;
    for number in 0.. {
        let (cgroup, _) = Cgroup::like_docker(0x4000 + round * 0x100 + number);
        // Long enough to be given a slot.
        for _ in 0..12 {
            cgroup.run(static_binary::load(), &CALL.split(' ').collect::<Vec<_>>());
            calls += 100;
        }
        drop(cgroup);
        if stop.load(Ordering::Relaxed) {
            return calls;
        }
    }
    calls
}

#[test]
#[ignore = "needs root and BTF"]
fn nothing_is_lost_or_counted_twice() {
    let there = BpfFs::mount();
    let mut living = docker().load("living", &[]);
    let setup = pinned(&there)
        .config("probes: {syscall: true}\nsyscalls: {calls: ['1*']}\nretention: {grace: 20ms}")
        .arguments(&["--log.level=warn"]);
    let mut exporter = setup.start();
    let mut generated = counted(&exporter.scrape());
    let mut last = generated;
    exporter.kill();
    for round in 0..ROUNDS {
        let stop = AtomicBool::new(false);
        generated += thread::scope(|scope| {
            let calls = scope.spawn(|| come_and_go(round, &stop));
            living.load.ask("cpus=0,1 syscall 1000 40000");
            let (begun, mut exporter) = (Instant::now(), setup.launch(free_address()));
            if round % 4 != 0 {
                exporter.await_ready();
            }
            // Some moment of the tens of milliseconds in which it reads every ten.
            let moment = Duration::from_micros(round * 7919 % 90_000);
            while begun.elapsed() < moment {
                thread::yield_now();
            }
            exporter.kill();
            stop.store(true, Ordering::Relaxed);
            living.load.answer("syscall");
            calls.join().expect("it does not panic") + 40_000
        });
        let mut exporter = setup.start();
        let scrape = exporter.scrape();
        assert_eq!(counted(&scrape), generated, "after round {round}");
        assert!(counted(&scrape) >= last);
        assert_balanced(&scrape);
        let own = scrape.sum("doubleslit_syscalls_total", &[("container_id", &living.id)]) as u64;
        assert_eq!(own, (round + 1) * 40_000);
        last = generated;
        exporter.kill();
    }
}
