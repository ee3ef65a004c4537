//! Containers of runc and crun that no engine runs: the paths of their cgroups tell nothing.

use doubleslit_testbed::{
    bare::Bare, cgroup::Cgroup, exporter::Exporter, host_root::HostRoot, rootfs::LOAD, scrape::Scrape, static_binary,
    wait,
};

use crate::harness::{assert_conserved, assert_labels, below, failed, failures, info, lifecycle_of};

/// Has a number of children that fail, and stays.
fn work(count: u64) -> String {
    format!("{LOAD} exit 1 {count}; exec sleep 1000")
}

/// Waits until a container has done its work, and checks how much it was since an earlier answer.
fn await_work(exporter: &mut Exporter, before: &Scrape, id: &str, count: u64) {
    wait::until("the container has done its work", || {
        let done = failed(&exporter.scrape().since(before), id);
        (done == failures(count)).then_some(())
    });
}

/// Only the state that the runtime writes after it has made the cgroup tells that there is a container.
fn containers_of(bare: &Bare) {
    let runtime = bare.name();
    let root = HostRoot::with(&[(&bare.state(), &format!("/run/{runtime}"))]);
    let before = bare.start("there-before", "/ds-bare-one", &["sleep", "1000"]);
    let mut exporter = below(&root);
    let start = exporter.scrape();
    let after = bare.start("comes-later", "/ds-bare-two", &["sh", "-c", &work(5)]);
    for (name, cgroup) in [("there-before", "/ds-bare-one"), ("comes-later", "/ds-bare-two")] {
        assert_labels(
            &info(&mut exporter, &[("container", name)]),
            &[("container_id", name), ("runtime", runtime), ("image", ""), ("cgroup_path", cgroup)],
        );
    }
    let started = exporter.scrape().value("doubleslit_container_start_time_seconds", &[("container", "there-before")]);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs_f64();
    assert!(started.is_some_and(|started| (now - 60.0..=now).contains(&started)), "{started:?}, now {now}");
    await_work(&mut exporter, &start, "comes-later", 5);
    // A cgroup inside is the container's, also where no path tells that there is one.
    Cgroup::create("/ds-bare-two/inside").run(static_binary::load(), &["exit", "1", "4"]);
    assert_eq!(failed(&exporter.scrape().since(&start), "comes-later"), failures(5 + 4));
    let lifecycles = |exporter: &mut Exporter| {
        let change = exporter.scrape().since(&start);
        ["there-before", "comes-later"].map(|name| lifecycle_of(&change, name, runtime))
    };
    assert_eq!(lifecycles(&mut exporter), [(0.0, 0.0), (1.0, 0.0)]);
    drop(after);
    assert_eq!(lifecycles(&mut exporter), [(0.0, 0.0), (1.0, 1.0)]);
    drop(before);
    assert_eq!(lifecycles(&mut exporter), [(0.0, 1.0), (1.0, 1.0)]);
    assert_conserved(&exporter.scrape());
}

#[test]
#[ignore = "needs root and BTF"]
fn containers_of_runc_alone() {
    containers_of(&Bare::runc());
}

#[test]
#[ignore = "needs root and BTF"]
fn containers_of_crun_alone() {
    containers_of(&Bare::crun());
}

/// The rows of the first are still there when the second begins.
#[test]
#[ignore = "needs root and BTF"]
fn one_after_another_at_the_same_path() {
    for bare in [Bare::runc(), Bare::crun()] {
        let runtime = bare.name();
        let root = HostRoot::with(&[(&bare.state(), &format!("/run/{runtime}"))]);
        let mut exporter = below(&root);
        let start = exporter.scrape();
        let containers = [("first", 3), ("second", 5)];
        for (name, count) in containers {
            let container = bare.start(name, "/ds-bare-again", &["sh", "-c", &work(count)]);
            info(&mut exporter, &[("container", name), ("cgroup_path", "/ds-bare-again")]);
            await_work(&mut exporter, &start, name, count);
            drop(container);
        }
        let change = exporter.scrape().since(&start);
        for (name, count) in containers {
            assert_eq!(failed(&change, name), failures(count), "{runtime}, {name}");
            assert_eq!(lifecycle_of(&change, name, runtime), (1.0, 1.0), "{runtime}, {name}");
        }
        assert_conserved(&exporter.scrape());
    }
}

/// What keeps containers at the same path apart.
#[test]
#[ignore = "needs root"]
fn the_kernel_gives_no_id_twice() {
    let ids: Vec<_> = (0..1000).map(|_| Cgroup::create("/ds-id-again").id()).collect();
    assert!(ids.is_sorted_by(|one, next| one < next), "{ids:?}");
}
