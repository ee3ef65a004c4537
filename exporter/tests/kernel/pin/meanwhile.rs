//! Containers that come and go while no exporter runs.

use doubleslit_testbed::{bpffs::BpfFs, cgroup::Cgroup, scrape::Scrape, static_binary};

use super::{pinned, state};
use crate::harness::{assert_conserved, docker, executions, lifecycle};

fn run(cgroup: &Cgroup, count: u32) {
    cgroup.run(static_binary::load(), &["exec", &count.to_string()]);
}

fn assert_executions(scrape: &Scrape, id: &str, count: u64) {
    // The load itself is executed too.
    let rows = scrape.rows(&[("container_id", id)]);
    let rows = rows.only(&["process_execs", "process_forks", "process_exits outcome=success"]);
    assert_eq!(rows, executions(count + 1), "{id}");
}

#[test]
#[ignore = "needs root and BTF"]
fn what_came_and_went_has_its_rows() {
    let there = BpfFs::mount();
    let (before, before_id) = Cgroup::like_docker(0x5000);
    let mut first = pinned(&there).start();
    run(&before, 70);
    first.scrape();
    let (with, with_id) = Cgroup::like_docker(0x5001);
    run(&with, 5);
    assert_executions(&first.scrape(), &with_id, 5);
    first.kill();

    let (meanwhile, meanwhile_id) = Cgroup::like_docker(0x5002);
    run(&meanwhile, 7);
    drop((before, with, meanwhile));
    let container = docker().load("meanwhile", &[]);
    let mut second = pinned(&there).start();
    let scrape = second.scrape();
    assert_eq!(state(&scrape), "continued");
    assert_executions(&scrape, &with_id, 5);
    assert_executions(&scrape, &meanwhile_id, 7);
    // It was there before anything counted: only what it did since then is known.
    assert_executions(&scrape, &before_id, 70);
    assert_eq!(lifecycle(&scrape, "meanwhile"), (1.0, 0.0));
    // Those that nobody names: one of the three was there before.
    assert_eq!(lifecycle(&scrape, ""), (2.0, 3.0));
    assert_conserved(&scrape);
    drop(container);
}
