//! How long calls take.

use std::{fs, ops::RangeInclusive, path::PathBuf, thread, time::Duration};

use doubleslit_testbed::{scrape::Scrape, sys, wait};

use super::{Exporter, LoadContainer, NO_CALL, Rows, assert_conserved, counting, counting_with, nothing, rows};

pub(super) const SLEEP: &str = "clock_nanosleep";

fn timing(calls: &str) -> (Exporter, LoadContainer<'static>, LoadContainer<'static>) {
    counting_with(&format!("calls: [{calls}], time: true"))
}

/// The seconds that a container spent in a call.
pub(super) fn seconds(change: &Scrape, container: &LoadContainer<'_>, call: &str) -> f64 {
    let labels = [("container_id", container.id.as_str()), ("syscall", call)];
    change.sum("doubleslit_syscall_duration_seconds_total", &labels)
}

/// The bounds that a load answers, in seconds.
pub(super) fn bounds(answer: &str) -> RangeInclusive<f64> {
    let (low, high) = answer.split_once(' ').expect("two numbers");
    let [low, high] = [low, high].map(|number| number.parse::<f64>().expect("nanoseconds") / 1e9);
    low..=high
}

pub(super) fn assert_within(seconds: f64, bounds: &RangeInclusive<f64>) {
    println!("{seconds} s within {bounds:?}");
    assert!(bounds.contains(&seconds), "{seconds} s is not within {bounds:?}");
}

#[test]
#[ignore = "needs root and BTF"]
fn sleeps_of_four_threads() {
    let (mut exporter, mut a, mut b) = timing("\"*\"");
    let storm = format!("cpus=0,1 syscall {} 200000", libc::SYS_getppid);
    let mut answer = String::new();
    // What has no beginning: the load has waited for a command since before the exporter.
    drop(a.load.run(&format!("syscall {NO_CALL} 1")));
    let change = exporter.during(|| {
        b.load.ask(&storm);
        answer = a.load.run("sleeps 4 100 10");
        b.load.answer(&storm);
    });
    let of_a = rows(&change, &a);
    assert_eq!(of_a.only(&["syscalls errno=OK syscall=clock_nanosleep"]), sleeps("OK", 400));
    assert_within(seconds(&change, &a, SLEEP), &bounds(&answer));
    assert_eq!(of_a.only(&["syscalls_untimed"]), Rows::of(refused(&of_a)));
    assert!(of_a.0.contains_key("syscall_duration_seconds syscall=mmap"), "{of_a:?}");
    assert_eq!(seconds(&change, &b, SLEEP), 0.0);
    assert!(seconds(&change, &b, "getppid") > 0.0);
    // They do not return, however they are called.
    assert!(of_a.0.keys().all(|row| !row.contains("syscall=exit")), "{of_a:?}");
    assert_conserved(&exporter.scrape());
}

fn sleeps(error: &str, count: u64) -> Rows {
    Rows::of([(format!("syscalls errno={error} syscall={SLEEP}").as_str(), count)])
}

#[test]
#[ignore = "needs root and BTF"]
fn calls_that_a_signal_ends() {
    let (mut exporter, mut a, _b) = timing(SLEEP);
    // The handler takes a fifth of a second, and the child's sleep would take an hour.
    for command in ["sleep-interrupted 50", "sleep-killed 50"] {
        let mut answer = String::new();
        let change = exporter.during(|| answer = a.load.run(command));
        assert_eq!(rows(&change, &a).only(&["syscalls"]), sleeps("ERESTART_RESTARTBLOCK", 1), "{command}");
        assert_within(seconds(&change, &a, SLEEP), &bounds(&answer));
    }
    assert_conserved(&exporter.scrape());
}

/// A call that goes on after its task was stopped has another name, and the stop is in neither of the two.
#[test]
#[ignore = "needs root and BTF"]
fn calls_that_go_on_after_a_stop() {
    let (mut exporter, mut a, _b) = timing("clock_nanosleep, restart_syscall");
    let (pid, command, mut answer) = (a.pid(), "sleeps 1 1 400", String::new());
    let change = exporter.during(|| {
        a.load.ask(command);
        wait::until("the thread sleeps", || sleeps_in(pid).then_some(()));
        signal(pid, libc::SIGSTOP);
        wait::until("the load has stopped", || is_stopped(pid).then_some(()));
        thread::sleep(Duration::from_millis(100));
        signal(pid, libc::SIGCONT);
        answer = a.load.answer(command);
    });
    let expected = [
        (format!("syscalls errno=ERESTART_RESTARTBLOCK syscall={SLEEP}"), 1),
        ("syscalls errno=OK syscall=restart_syscall".to_owned(), 1),
    ];
    assert_eq!(
        rows(&change, &a).only(&["syscalls"]),
        Rows::of(expected.iter().map(|(row, count)| (row.as_str(), *count)))
    );
    let whole = bounds(&answer);
    let parts = ["clock_nanosleep", "restart_syscall"].map(|call| seconds(&change, &a, call));
    assert!(parts.iter().all(|part| *part > 0.0), "{parts:?}");
    assert_within(parts.iter().sum(), &(0.0..=whole.end() - 0.1));
}

/// Whether a thread of a process is in the call, as the kernel tells it.
fn sleeps_in(pid: i32) -> bool {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("it runs");
    let call = |path: PathBuf| fs::read_to_string(path.join("syscall")).unwrap_or_default();
    let number = format!("{} ", libc::SYS_clock_nanosleep);
    tasks.flatten().any(|task| call(task.path()).starts_with(&number))
}

fn is_stopped(pid: i32) -> bool {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("it runs");
    tasks.flatten().all(|task| fs::read_to_string(task.path().join("stat")).is_ok_and(|stat| stat.contains(") T ")))
}

fn signal(pid: i32, signal: i32) {
    sys::send(pid, signal).expect("it is our container's");
}

/// A thread that executes a program takes the number of the first one; what a call returns as may be another call.
#[test]
#[ignore = "needs root and BTF"]
fn calls_that_return_in_another_way() {
    let (mut exporter, mut a, _b) = timing("execve, execveat, rt_sigreturn, clone, clone3, fork, vfork");
    for command in ["cpus=0,1 exec 300", "execveat 300", "exec-by-thread 300", "threads 300", "signal 10 300"] {
        let change = exporter.during(|| drop(a.load.run(command)));
        let of_a = rows(&change, &a);
        assert_eq!(of_a.only(&["syscalls_untimed"]), Rows::of(refused(&of_a)), "{command}: {of_a:?}");
        assert!(!of_a.only(&["syscall_duration_seconds"]).0.is_empty(), "{command}: {of_a:?}");
    }
    assert_conserved(&exporter.scrape());
}

/// What docker's seccomp profile keeps from beginning.
fn refused(rows: &Rows) -> Vec<(&'static str, u64)> {
    let count = rows.0.get("syscalls errno=ENOSYS syscall=clone3").copied().unwrap_or_default();
    vec![("syscalls_untimed syscall=clone3", count as u64)]
}

/// What was under way before the probe was attached has no beginning, and is counted all the same.
#[test]
#[ignore = "needs root and BTF"]
fn calls_that_began_before() {
    let (mut exporter, mut a, _b) = timing("accept4, recvfrom, read");
    // The load waits for its next command.
    let change = exporter.during(|| drop(a.load.run(&format!("syscall {NO_CALL} 1"))));
    let untimed = rows(&change, &a).only(&["syscalls_untimed"]);
    assert_eq!(untimed.0.values().sum::<f64>(), 1.0, "{untimed:?}");
    let change = exporter.during(|| drop(a.load.run(&format!("syscall {NO_CALL} 1"))));
    let of_a = rows(&change, &a);
    assert_eq!(of_a.only(&["syscalls_untimed"]), nothing(), "{of_a:?}");
    assert!(!of_a.only(&["syscall_duration_seconds"]).0.is_empty(), "{of_a:?}");
}

/// Docker's seccomp profile refuses calls that it does not know, before they begin.
#[test]
#[ignore = "needs root and BTF"]
fn calls_that_are_refused() {
    let (mut exporter, mut a, _b) = timing("\"1000\"");
    let change = exporter.during(|| drop(a.load.run(&format!("cpus=0,1 syscall {NO_CALL} 1000"))));
    let expected = [("syscalls errno=ENOSYS syscall=1000", 1000), ("syscalls_untimed syscall=1000", 1000)];
    assert_eq!(rows(&change, &a).only(&["syscall"]), Rows::of(expected));
    assert_conserved(&exporter.scrape());
}

#[test]
#[ignore = "needs root and BTF"]
fn off_by_default() {
    let (mut exporter, mut a, _b) = counting("getppid");
    let change = exporter.during(|| drop(a.load.run(&format!("syscall {} 100", libc::SYS_getppid))));
    assert_eq!(rows(&change, &a).only(&["syscall"]), Rows::of([("syscalls errno=OK syscall=getppid", 100)]));
    let scrape = exporter.scrape();
    let attached = |attach| scrape.matching("doubleslit_bpf_program_info", &[("attach", attach)]).count();
    assert_eq!((attached("tp_btf/sys_exit"), attached("tp_btf/sys_enter")), (1, 0));
    for event in ["syscall_time", "syscall_untimed", "syscall_latency"] {
        assert_eq!(scrape.value("doubleslit_events_counted_total", &[("event", event)]), None);
    }
}
