//! The probe `exec`.

use crate::harness::{assert_conserved, assert_not_the_hosts, executions, nothing, rows, two_containers};

#[test]
#[ignore = "needs root and BTF"]
fn executions_belong_to_their_container() {
    let (mut exporter, mut a, b) = two_containers();
    for command in ["exec 1000", "execveat 1000", "cpus=0,1 exec 1000"] {
        let change = exporter.during(|| drop(a.load.run(command)));
        assert_eq!(rows(&change, &a).only(&["process_"]), executions(1000), "{command}");
        assert_eq!(rows(&change, &b), nothing(), "{command}");
    }
    assert_not_the_hosts(&mut exporter, &mut a, "exec 100", &["process_"]);
    assert_conserved(&exporter.scrape());
}

#[test]
#[ignore = "needs root and BTF"]
fn failed_executions_do_not_count() {
    let (mut exporter, mut a, _b) = two_containers();
    let change = exporter.during(|| drop(a.load.run("exec-missing 1000")));
    assert_eq!(rows(&change, &a), nothing());
}

#[test]
#[ignore = "needs root and BTF"]
fn storms_in_two_containers_at_once() {
    let (mut exporter, mut a, mut b) = two_containers();
    let (in_a, in_b) = ("cpus=0,1 exec 100000", "cpus=0,1 exec 60000");
    let change = exporter.during(|| {
        a.load.ask(in_a);
        b.load.ask(in_b);
        a.load.answer(in_a);
        b.load.answer(in_b);
    });
    assert_eq!(rows(&change, &a).only(&["process_"]), executions(100_000));
    assert_eq!(rows(&change, &b).only(&["process_"]), executions(60_000));
    assert_conserved(&exporter.scrape());
}
