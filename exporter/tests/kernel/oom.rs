//! The probe `oom`.

use doubleslit_testbed::scrape::Rows;

use crate::harness::{docker, nothing, rows, setup};

#[test]
#[ignore = "needs root and BTF"]
fn a_child_that_takes_too_much_memory() {
    let mut a = docker().load("alpha", &["--memory=32m", "--memory-swap=32m"]);
    let b = docker().load("beta", &[]);
    let mut exporter = setup().start();
    let change = exporter.during(|| {
        for _ in 0..3 {
            assert_eq!(a.load.run("hog 128"), "signal 9");
        }
    });
    let expected = Rows::of([("process_oom_kills", 3), ("process_forks", 3), ("process_exits outcome=signal", 3)]);
    assert_eq!(rows(&change, &a).only(&["process_"]), expected);
    assert_eq!(rows(&change, &b), nothing());
}

#[test]
#[ignore = "needs root and BTF"]
fn a_container_that_takes_too_much_memory() {
    let mut exporter = setup().start();
    let id = docker().run(&["--memory=32m", "--memory-swap=32m", "--name=hungry"], &["tail", "/dev/zero"]);
    assert_eq!(docker().cli(["wait", &id]), "137");
    assert_eq!(docker().inspect(&id, "{{.State.OOMKilled}}"), "true");
    let scrape = exporter.scrape();
    docker().remove(&id);
    assert_eq!(scrape.value("doubleslit_process_oom_kills_total", &[("container_id", &id)]), Some(1.0));
    assert_eq!(scrape.sum("doubleslit_process_oom_kills_total", &[]), 1.0);
}
