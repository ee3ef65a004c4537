//! The probe `signal`.

use std::fs;

use doubleslit_testbed::{scrape::Rows, sys, wait};

use crate::harness::{assert_conserved, assert_not_the_hosts, docker, nothing, rows, setup, two_containers};

/// glibc's first real-time signal: each one sent is delivered, however many wait.
const SIGRTMIN: i32 = 34;

/// N signals of one kind from a sender, all of them with the same result.
fn generated(signal: &str, result: &str, sender: &str, count: u64) -> Vec<(String, u64)> {
    vec![
        (format!("signals_generated result={result} signal={signal}"), count),
        (format!("signal_edges result={result} sender_container={sender} sender_namespace= signal={signal}"), count),
    ]
}

/// The same, and all of them delivered.
fn delivered(signal: &str, sender: &str, count: u64) -> Rows {
    let mut rows = generated(signal, "delivered", sender, count);
    rows.push((format!("signals_delivered signal={signal}"), count));
    expected(&rows)
}

fn expected(rows: &[(String, u64)]) -> Rows {
    Rows::of(rows.iter().map(|(row, count)| (row.as_str(), *count)))
}

#[test]
#[ignore = "needs root and BTF"]
fn to_itself() {
    let (mut exporter, mut a, b) = two_containers();
    for (number, name) in [(libc::SIGUSR1, "SIGUSR1"), (libc::SIGWINCH, "SIGWINCH"), (SIGRTMIN + 6, "SIGRTMIN+6")] {
        let change = exporter.during(|| drop(a.load.run(&format!("cpus=0,1 signal {number} 100000"))));
        assert_eq!(rows(&change, &a), delivered(name, "alpha", 100_000));
        assert_eq!(rows(&change, &b), nothing());
    }
    assert_not_the_hosts(&mut exporter, &mut a, &format!("signal {} 100", libc::SIGUSR2), &["signal"]);
    assert_conserved(&exporter.scrape());
}

#[test]
#[ignore = "needs root and BTF"]
fn ignored() {
    let (mut exporter, mut a, _b) = two_containers();
    let change = exporter.during(|| drop(a.load.run(&format!("ignored {} 1000", libc::SIGUSR2))));
    assert_eq!(rows(&change, &a), expected(&generated("SIGUSR2", "ignored", "alpha", 1000)));
}

#[test]
#[ignore = "needs root and BTF"]
fn from_one_container_to_another() {
    let mut sender = docker().load("sender", &["--pid=host"]);
    let mut target = docker().load("target", &[]);
    let mut exporter = setup().start();
    target.load.run(&format!("handle {SIGRTMIN}"));
    let pid = target.pid();
    let change = exporter.during(|| {
        sender.load.run(&format!("signal-to {pid} {SIGRTMIN} 1000"));
        target.load.run(&format!("handled {SIGRTMIN} 1000"));
    });
    assert_eq!(rows(&change, &target), delivered("SIGRTMIN", "sender", 1000));
    assert_eq!(rows(&change, &sender), nothing());
}

#[test]
#[ignore = "needs root and BTF"]
fn from_the_host() {
    let (mut exporter, mut a, b) = two_containers();
    a.load.run(&format!("handle {SIGRTMIN}"));
    let pid = a.pid();
    let change = exporter.during(|| {
        for _ in 0..1000 {
            sys::send(pid, SIGRTMIN).expect("the container runs");
        }
        a.load.run(&format!("handled {SIGRTMIN} 1000"));
    });
    assert_eq!(rows(&change, &a), delivered("SIGRTMIN", "", 1000));
    assert_eq!(rows(&change, &b), nothing());
}

#[test]
#[ignore = "needs root and BTF"]
fn already_pending() {
    let (mut exporter, mut a, _b) = two_containers();
    a.load.run(&format!("handle {}", libc::SIGUSR1));
    let pid = a.pid();
    let change = exporter.during(|| {
        sys::send(pid, libc::SIGSTOP).expect("the container runs");
        // The order to stop returns before everybody has stopped, and who still runs takes a signal.
        wait::until("every thread of the container stops", || is_stopped(pid).then_some(()));
        for _ in 0..3 {
            sys::send(pid, libc::SIGUSR1).expect("the container runs");
        }
        sys::send(pid, libc::SIGCONT).expect("the container runs");
        a.load.run(&format!("handled {} 1", libc::SIGUSR1));
    });
    let mut rows_expected = generated("SIGUSR1", "delivered", "", 1);
    rows_expected.extend(generated("SIGUSR1", "already_pending", "", 2));
    rows_expected.push(("signals_delivered signal=SIGUSR1".to_owned(), 1));
    let of_the_signal = rows(&change, &a).0.into_iter().filter(|(row, _)| row.ends_with("=SIGUSR1"));
    assert_eq!(Rows(of_the_signal.collect()), expected(&rows_expected));
}

/// A child's end makes the kernel send SIGCHLD. Whether the parent ignores it at once or when it is delivered depends on
/// whether it blocks signals at that moment; how many there are does not.
#[test]
#[ignore = "needs root and BTF"]
fn from_the_kernel_and_deadly_ones() {
    let (mut exporter, mut a, b) = two_containers();
    let change = exporter.during(|| drop(a.load.run(&format!("cpus=0,1 die {} 1000", libc::SIGTERM))));
    let of = |name, labels: &[(&str, &str)]| change.sum(name, &[&[("container_id", a.id.as_str())], labels].concat());
    assert_eq!(of("doubleslit_signals_generated_total", &[("signal", "SIGCHLD")]), 1000.0);
    let by_the_kernel = [("signal", "SIGCHLD"), ("sender_container", "(kernel)")];
    assert_eq!(of("doubleslit_signal_edges_total", &by_the_kernel), 1000.0);
    assert_eq!(of("doubleslit_signals_generated_total", &[("signal", "SIGTERM"), ("result", "delivered")]), 1000.0);
    // A deadly signal that makes no core dump is delivered as SIGKILL, to each thread of the process.
    assert_eq!(of("doubleslit_signals_delivered_total", &[("signal", "SIGKILL")]), 1000.0);
    assert_eq!(rows(&change, &b), nothing());
}

/// Whether every thread of a process is stopped (`T` in proc_pid_stat(5), behind the name in parentheses).
fn is_stopped(pid: i32) -> bool {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).expect("the process runs");
    threads
        .map(|thread| fs::read_to_string(thread.expect("readable").path().join("stat")).expect("the thread runs"))
        .all(|stat| stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T')))
}
