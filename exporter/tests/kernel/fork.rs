//! The probe `fork`.

use doubleslit_testbed::{cgroup::Cgroup, scrape::Rows, static_binary};

use crate::harness::{assert_conserved, assert_not_the_hosts, nothing, rows, setup, two_containers};

#[test]
#[ignore = "needs root and BTF"]
fn processes() {
    let (mut exporter, mut a, b) = two_containers();
    let change = exporter.during(|| drop(a.load.run("cpus=0,1 fork 10000")));
    let expected = Rows::of([("process_forks", 10_000), ("process_exits outcome=success", 10_000)]);
    assert_eq!(rows(&change, &a).only(&["process_"]), expected);
    assert_eq!(rows(&change, &b), nothing());
    assert_not_the_hosts(&mut exporter, &mut a, "fork 100", &["process_"]);
    assert_conserved(&exporter.scrape());
}

#[test]
#[ignore = "needs root and BTF"]
fn threads_are_no_processes() {
    let (mut exporter, mut a, b) = two_containers();
    let change = exporter.during(|| drop(a.load.run("cpus=0,1 threads 10000")));
    assert_eq!(rows(&change, &a), Rows::of([("process_thread_starts", 10_000)]));
    assert_eq!(rows(&change, &b), nothing());
}

/// The child counts where it is, which is not where its parent is.
#[test]
#[ignore = "needs root and BTF"]
fn a_child_in_another_cgroup() {
    let mut exporter = setup().start();
    let (cgroup, id) = Cgroup::like_docker(1);
    let change = exporter.during(|| cgroup.run(static_binary::load(), &["fork", "10"]));
    let expected = Rows::of([("process_forks", 11), ("process_execs", 1), ("process_exits outcome=success", 11)]);
    assert_eq!(change.rows(&[("container_id", &id)]).only(&["process_"]), expected);
}
