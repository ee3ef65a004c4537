//! Whose calls count.

use doubleslit_testbed::{rootfs, scrape::Scrape, wait};

use super::{NO_CALL, Rows, assert_conserved, counting_with, docker, nothing, rows};

/// What was counted of containers that are not chosen.
fn retired(change: &Scrape) -> f64 {
    change.sum("doubleslit_events_retired_total", &[("event", "syscall")])
}

#[test]
#[ignore = "needs root and BTF"]
fn one_of_two_containers() {
    let (mut exporter, mut a, mut b) = counting_with("calls: [getppid], time: true, select: [{container: alph*}]");
    let storm = format!("cpus=0,1 syscall {} 50000", libc::SYS_getppid);
    // The kernel counts what it does not know yet, and then no more.
    wait::until("the kernel leaves the other one out", || {
        let change = exporter.during(|| {
            a.load.ask(&storm);
            b.load.ask(&storm);
            a.load.answer(&storm);
            b.load.answer(&storm);
        });
        assert_eq!(rows(&change, &a).only(&["syscalls"]), Rows::of([("syscalls errno=OK syscall=getppid", 50_000)]));
        assert_eq!(rows(&change, &b).only(&["syscall"]), nothing());
        (retired(&change) == 0.0).then_some(())
    });
    assert_conserved(&exporter.scrape());
}

/// Nobody knows whose the first calls of a container are when they are made.
#[test]
#[ignore = "needs root and BTF"]
fn a_chosen_container_from_its_first_call_on() {
    let (mut exporter, _a, _b) = counting_with("calls: [\"1000\"], select: [{container: chosen}]");
    let number = NO_CALL.to_string();
    for (name, expected) in [("chosen", 7000.0), ("other", 0.0)] {
        let mut id = String::new();
        let change = exporter.during(|| {
            id = docker().run(&["--name", name], &[rootfs::LOAD, "syscall", &number, "7000"]);
            docker().cli(["wait", &id]);
        });
        let counted = change.sum("doubleslit_syscalls_total", &[("container_id", &id)]);
        assert_eq!(counted, expected, "{name}");
        docker().discard(&id);
    }
    assert_conserved(&exporter.scrape());
}
