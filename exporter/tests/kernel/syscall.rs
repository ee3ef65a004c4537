//! The probe `syscall`.

mod histograms;
mod owners;
mod time;

use doubleslit_testbed::{docker::LoadContainer, exporter::Exporter, scrape::Rows};

use crate::harness::{assert_conserved, docker, host_rows, nothing, rows, setup};

/// No architecture has a call with this number.
const NO_CALL: u32 = 1000;

/// Two containers, and an exporter that has seen both and counts these calls.
fn counting(calls: &str) -> (Exporter, LoadContainer<'static>, LoadContainer<'static>) {
    counting_with(&format!("calls: [{calls}]"))
}

/// The same with other settings of the section `syscalls`.
fn counting_with(settings: &str) -> (Exporter, LoadContainer<'static>, LoadContainer<'static>) {
    let (a, b) = (docker().load("alpha", &[]), docker().load("beta", &[]));
    let setup = setup().config("probes: {syscall: true}").config(&format!("syscalls: {{{settings}}}"));
    (setup.start(), a, b)
}

/// The sum of the rows whose line ends so.
fn sum(rows: &Rows, call: &str, error: &str) -> f64 {
    let labels = format!("syscalls errno={error} syscall={call}");
    rows.0.iter().filter(|(row, _)| **row == labels).map(|(_, count)| count).sum()
}

#[test]
#[ignore = "needs root and BTF"]
fn failures_of_many_threads() {
    let (mut exporter, mut a, b) = counting("\"*\"");
    for _ in 0..3 {
        let change = exporter.during(|| {
            a.load.run("open-missing 8 1000");
            a.load.run(&format!("cpus=0,1 syscall {NO_CALL} 5000"));
        });
        let of_a = rows(&change, &a);
        let missing = Rows::of([("syscalls errno=ENOENT syscall=openat", 8000)]);
        assert_eq!(of_a.only(&["syscalls errno=ENOENT"]), missing);
        let unknown = Rows::of([("syscalls errno=ENOSYS syscall=1000", 5000)]);
        assert_eq!(of_a.only(&["syscalls errno=ENOSYS syscall=1000"]), unknown);
        assert_eq!(rows(&change, &b), nothing());
        assert_eq!(host_rows(&change).only(&["syscalls errno=ENOSYS syscall=1000"]), nothing());
    }
    assert_conserved(&exporter.scrape());
}

#[test]
#[ignore = "needs root and BTF"]
fn selected_calls_of_two_containers() {
    let (mut exporter, mut a, mut b) = counting("getppid, \"1*\"");
    let in_a = format!("cpus=0,1 syscall {} 100001", libc::SYS_getppid);
    let in_b = format!("cpus=0,1 syscall {NO_CALL} 60001");
    let change = exporter.during(|| {
        a.load.ask(&in_a);
        b.load.ask(&in_b);
        a.load.answer(&in_a);
        b.load.answer(&in_b);
        a.load.run("open-missing 2 1000");
        a.load.run("fork 100");
    });
    assert_eq!(rows(&change, &a).only(&["syscalls"]), Rows::of([("syscalls errno=OK syscall=getppid", 100_001)]));
    assert_eq!(rows(&change, &b).only(&["syscalls"]), Rows::of([("syscalls errno=ENOSYS syscall=1000", 60_001)]));
    assert_conserved(&exporter.scrape());
}

/// A call that makes a task returns twice, `rt_sigreturn` returns with other registers, an execution in another program.
#[test]
#[ignore = "needs root and BTF"]
fn calls_that_return_in_another_way() {
    let (mut exporter, mut a, _b) = counting("clone, clone3, fork, vfork, execve, rt_sigreturn");
    let mut made = |command: &str| rows(&exporter.during(|| drop(a.load.run(command))), &a).only(&["syscalls"]);
    let new_tasks =
        |rows: &Rows| ["clone", "clone3", "fork", "vfork"].map(|call| sum(rows, call, "OK")).iter().sum::<f64>();

    let forks = made("cpus=0,1 fork 1000");
    assert_eq!((new_tasks(&forks), forks.0.values().sum::<f64>()), (1000.0, 1000.0), "{forks:?}");
    let threads = made("cpus=0,1 threads 1000");
    // Docker's seccomp profile refuses `clone3`, which is a call that returns as well; the C library then takes `clone`.
    let refused = sum(&threads, "clone3", "ENOSYS");
    assert_eq!((new_tasks(&threads), threads.0.values().sum::<f64>()), (1000.0, 1000.0 + refused), "{threads:?}");
    let executions = made("cpus=0,1 exec 1000");
    assert_eq!((new_tasks(&executions), sum(&executions, "execve", "OK")), (1000.0, 1000.0), "{executions:?}");
    let missing = made("exec-missing 1000");
    assert_eq!(missing, Rows::of([("syscalls errno=ENOENT syscall=execve", 1000)]));
    let signals = made(&format!("cpus=0,1 signal {} 1000", libc::SIGUSR1));
    assert_eq!(signals, Rows::of([("syscalls errno=OK syscall=rt_sigreturn", 1000)]));
}

#[test]
#[ignore = "needs root and BTF"]
fn what_calls_are_about() {
    let (mut exporter, mut a, _b) = counting("openat, getppid, \"1000\"");
    a.load.run("open-missing 1 1");
    a.load.run(&format!("syscall {} 1", libc::SYS_getppid));
    a.load.run(&format!("syscall {NO_CALL} 1"));
    let scrape = exporter.scrape();
    let info = scrape.matching("doubleslit_syscall_info", &[]);
    let info = info.map(|(series, value)| (["syscall", "class", "group"].map(|label| &*series.labels[label]), value));
    assert_eq!(
        info.collect::<Vec<_>>(),
        [
            (["openat", "file_system", "files"], 1.0),
            (["getppid", "process_management", "process"], 1.0),
            (["1000", "unknown", "unknown"], 1.0),
        ]
    );
}

#[test]
#[ignore = "needs root and BTF"]
fn off_by_default() {
    let mut a = docker().load("alpha", &[]);
    let mut exporter = setup().start();
    let change = exporter.during(|| drop(a.load.run("open-missing 2 1000")));
    assert_eq!(rows(&change, &a), Rows::of([("process_thread_starts", 2)]));
    let scrape = exporter.scrape();
    assert_eq!(scrape.value("doubleslit_probe_info", &[("probe", "syscall"), ("state", "off")]), Some(1.0));
    assert_eq!(scrape.matching("doubleslit_bpf_program_info", &[("attach", "tp_btf/sys_exit")]).count(), 0);
    assert_eq!(scrape.matching("doubleslit_syscalls_total", &[]).count(), 0);
}
