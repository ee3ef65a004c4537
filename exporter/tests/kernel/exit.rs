//! The probe `exit`.

use doubleslit_testbed::{cgroup::Cgroup, scrape::Rows, static_binary, sys};

use crate::harness::{assert_conserved, nothing, rows, setup, two_containers};

#[test]
#[ignore = "needs root and BTF"]
fn outcomes() {
    let (mut exporter, mut a, b) = two_containers();
    let (term, kill, segv) = (libc::SIGTERM, libc::SIGKILL, libc::SIGSEGV);
    for (command, outcome, count) in [
        ("cpus=0,1 exit 0 5000".to_owned(), "success", 5000),
        ("cpus=0,1 exit 1 5000".to_owned(), "failure", 5000),
        ("exit 255 100".to_owned(), "failure", 100),
        (format!("cpus=0,1 die {term} 5000"), "signal", 5000),
        (format!("die {kill} 100"), "signal", 100),
        (format!("die {segv} 100"), "signal", 100),
    ] {
        let change = exporter.during(|| drop(a.load.run(&command)));
        let exits = format!("process_exits outcome={outcome}");
        let expected = Rows::of([("process_forks", count), (exits.as_str(), count)]);
        assert_eq!(rows(&change, &a).only(&["process_"]), expected, "{command}");
        assert_eq!(rows(&change, &b), nothing(), "{command}");
    }
    assert_conserved(&exporter.scrape());
}

/// The process ends with its last thread, with the status that this one gave.
#[test]
#[ignore = "needs root and BTF"]
fn a_process_whose_first_thread_ends_first() {
    let mut exporter = setup().start();
    let (cgroup, id) = Cgroup::like_docker(2);
    let change = exporter.during(|| {
        let status = sys::wait(cgroup.spawn(static_binary::load(), &["leave", "3"])).expect("it is a child");
        assert_eq!(status, 3 << 8);
    });
    let exits = change.rows(&[("container_id", &id)]).only(&["process_exits"]);
    assert_eq!(exits, Rows::of([("process_exits outcome=failure", 1)]));
}
