//! Restarts in the middle of loads.

use std::time::Duration;

use doubleslit_testbed::{
    bpffs::BpfFs,
    docker::LoadContainer,
    scrape::{Rows, Scrape},
    wait,
};

use super::{pinned, state};
use crate::harness::{assert_conserved, assert_rows, docker, rows};

/// glibc's first real-time signal: each one sent is delivered, however many wait.
const SIGRTMIN: i32 = 34;

/// No architecture has a call with this number.
const NO_CALL: u32 = 1000;

/// What one round of the load is, in the rows that nothing but it changes.
const ROUND: [(&str, u64); 10] = [
    ("process_execs", 300),
    ("process_forks", 300),
    ("process_exits outcome=success", 300),
    ("tracepoint_hits tracepoint=sched:sched_process_fork field_sig=", 300),
    ("tracepoint_hits tracepoint=signal:signal_deliver field_sig=10", 500),
    ("signals_delivered signal=SIGUSR1", 500),
    ("signals_delivered signal=SIGRTMIN", 200),
    ("signal_edges result=delivered sender_container=sender sender_namespace= signal=SIGRTMIN", 200),
    ("syscalls errno=ENOSYS syscall=1000", 5000),
    ("socket_state_transitions", 400),
];

fn expected(rounds: u64) -> Rows {
    Rows::of(ROUND.map(|(row, count)| (row, count * rounds)))
}

/// The rows of [`ROUND`], whatever the order of their labels, and those of sockets together.
fn of_round(rows: &Rows) -> Rows {
    let mut found = Rows::of([]);
    for (row, count) in &rows.0 {
        let is_of = |(name, _): &&(&str, u64)| {
            let mut words = name.split(' ');
            words.next() == row.split(' ').next() && words.all(|word| row.split(' ').any(|other| other == word))
        };
        if let Some((name, _)) = ROUND.iter().find(is_of) {
            found.add(name, *count as u64);
        }
    }
    found
}

fn begin(target: &mut LoadContainer<'_>) {
    target.load.ask("cpus=0,1 exec 300");
}

fn finish(target: &mut LoadContainer<'_>, sender: &mut LoadContainer<'_>, handled: u64) {
    target.load.answer("exec");
    target.load.run(&format!("cpus=0,1 signal {} 500", libc::SIGUSR1));
    target.load.run(&format!("cpus=0,1 syscall {NO_CALL} 5000"));
    target.load.run("connect-refused 127.0.0.1 9 200");
    let pid = target.pid();
    sender.load.run(&format!("signal-to {pid} {SIGRTMIN} 200"));
    target.load.run(&format!("handled {SIGRTMIN} {handled}"));
}

#[test]
#[ignore = "needs root and BTF"]
fn counts_before_during_and_after_add_up() {
    let there = BpfFs::mount();
    let mut sender = docker().load("sender", &["--pid=host"]);
    let mut target = docker().load("target", &[]);
    target.load.run(&format!("handle {SIGRTMIN}"));
    let setup = pinned(&there).config(
        "probes: {syscall: true}\nsyscalls: {calls: ['1*']}\n\
         tracepoints: ['sched:sched_process_fork', {name: 'signal:signal_deliver', by: [sig]}]",
    );

    let mut first = setup.start();
    let before = first.scrape();
    assert_eq!(state(&before), "new");
    let began = before.value("doubleslit_counts_start_time_seconds", &[]);
    // With it, and while it ends.
    begin(&mut target);
    finish(&mut target, &mut sender, 200);
    first.scrape();
    begin(&mut target);
    let (status, _, log) = first.stop();
    assert!(status.success(), "{log}");
    finish(&mut target, &mut sender, 400);
    // With nobody.
    begin(&mut target);
    finish(&mut target, &mut sender, 600);
    // While another one starts, and is killed.
    begin(&mut target);
    let mut second = setup.start();
    finish(&mut target, &mut sender, 800);
    let taken = second.scrape();
    let change = taken.since(&before);
    assert_rows(&change, &of_round(&rows(&change, &target)), &expected(4), "the second exporter");
    begin(&mut target);
    second.kill();
    finish(&mut target, &mut sender, 1000);
    // With the last one.
    let mut third = setup.start();
    begin(&mut target);
    finish(&mut target, &mut sender, 1200);
    let after = third.scrape();
    assert_eq!((state(&after), after.value("doubleslit_counts_start_time_seconds", &[])), ("continued", began));
    let change = after.since(&before);
    assert_rows(&change, &of_round(&rows(&change, &target)), &expected(6), "the third exporter");
    assert_conserved(&after);
}

#[test]
#[ignore = "needs root and BTF"]
fn what_senders_sent_that_are_gone_goes_on() {
    let there = BpfFs::mount();
    let mut target = docker().load("target", &[]);
    target.load.run(&format!("handle {SIGRTMIN}"));
    let setup = pinned(&there);
    let mut exporter = setup.start();
    let before = exporter.scrape();
    let generated =
        |scrape: &Scrape| rows(&scrape.since(&before), &target).only(&["signals_generated"]).0.values().sum::<f64>();
    let entries =
        |scrape: &Scrape| scrape.value("doubleslit_bpf_map_entries", &[("map", "edges")]).expect("it is read");
    let pid = target.pid();
    let mut sent = 0;
    for round in 1..=2 {
        for name in ["sender-a", "sender-b"] {
            let mut sender = docker().load(name, &["--pid=host"]);
            sender.load.run(&format!("signal-to {pid} {SIGRTMIN} 100"));
            sent += 100;
        }
        // Both are one entry as soon as they are gone.
        wait::within(Duration::from_secs(60), "the kernel lets go of the senders", || {
            (entries(&exporter.scrape()) == entries(&before) + 1.0).then_some(())
        });
        assert_eq!(generated(&exporter.scrape()), f64::from(sent), "in round {round}");
        exporter.kill();
        exporter = setup.start();
        let after = exporter.scrape();
        assert_eq!((state(&after), generated(&after)), ("continued", f64::from(sent)), "in round {round}");
        assert_conserved(&after);
    }
}
