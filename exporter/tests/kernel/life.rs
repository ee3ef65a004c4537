//! What people do with containers, and that each keeps its name, its counts, one start and one stop.

use std::path::Path;

use doubleslit_testbed::{
    docker::{Docker, Hierarchy, IMAGE},
    exporter::Setup,
    rootfs, wait,
};

use crate::harness::{
    BINARY, INFO, assert_conserved, docker, failed, failures, info, lifecycle, nothing, rows, setup, two_containers,
};

#[test]
#[ignore = "needs root and BTF"]
fn what_is_executed_in_a_container_is_its_own() {
    let (mut exporter, a, b) = two_containers();
    let change = exporter.during(|| drop(docker().cli(["exec", &a.id, rootfs::LOAD, "exit", "1", "7"])));
    assert_eq!(failed(&change, &a.id), failures(7));
    assert_eq!(rows(&change, &b), nothing());
    assert_conserved(&exporter.scrape());
}

/// Whose process ids a container sees does not matter.
#[test]
#[ignore = "needs root and BTF"]
fn containers_that_share_process_ids() {
    let (mut exporter, a, b) = two_containers();
    let shared = format!("--pid=container:{}", a.id);
    let (guest, hosts) = (docker().load("guest", &[&shared]), docker().load("hosts", &["--pid=host"]));
    for (mut container, count) in [(guest, 3), (hosts, 5)] {
        let change = exporter.during(|| drop(container.load.run(&format!("exit 1 {count}"))));
        assert_eq!(failed(&change, &container.id), failures(count), "{}", container.name);
        assert_eq!((rows(&change, &a), rows(&change, &b)), (nothing(), nothing()), "{}", container.name);
    }
    assert_conserved(&exporter.scrape());
}

#[test]
#[ignore = "needs root and BTF"]
fn a_pause_is_neither_a_stop_nor_a_start() {
    let (mut exporter, mut a, _b) = two_containers();
    let before = exporter.scrape();
    docker().cli(["pause", &a.id]);
    assert_eq!(lifecycle(&exporter.scrape().since(&before), "alpha"), (0.0, 0.0));
    assert_eq!(exporter.scrape().value(INFO, &[("container_id", &a.id)]), Some(1.0));
    docker().cli(["unpause", &a.id]);
    let change = exporter.during(|| drop(a.load.run("exit 1 4")));
    assert_eq!(failed(&change, &a.id), failures(4));
    assert_eq!(lifecycle(&exporter.scrape().since(&before), "alpha"), (0.0, 0.0));
}

#[test]
#[ignore = "needs root and BTF"]
fn the_same_name_again_is_another_container() {
    let mut exporter = setup().start();
    let before = exporter.scrape();
    let mut ids = Vec::new();
    for count in [2, 6] {
        let mut container = docker().load("reused", &[]);
        container.load.run(&format!("exit 1 {count}"));
        ids.push((container.id.clone(), count));
    }
    let change = exporter.scrape().since(&before);
    for (id, count) in &ids {
        assert_eq!(failed(&change, id), failures(*count));
    }
    assert_ne!(ids[0].0, ids[1].0);
    assert_eq!(lifecycle(&change, "reused"), (2.0, 2.0));
    assert_conserved(&exporter.scrape());
}

/// A name that changes begins new rows; what was counted stays where it is.
#[test]
#[ignore = "needs root and BTF"]
fn a_new_name() {
    let engine = Docker::start(Hierarchy::Host);
    let (root, socket) = (engine.data_root(), engine.socket());
    let mut exporter = Setup::new(Path::new(BINARY))
        .config("poll: {max_age: 0s}")
        .config(&format!(
            "identity: {{docker_root: \"{}\", sockets: {{docker: [\"{}\"]}}}}",
            root.display(),
            socket.display()
        ))
        .start();
    let before = exporter.scrape();
    let mut container = engine.load("early", &[]);
    info(&mut exporter, &[("container_id", &container.id), ("container", "early")]);
    container.load.run("exit 1 3");
    // Counted is what has been read.
    exporter.scrape();
    engine.cli(["rename", "early", "late"]);
    info(&mut exporter, &[("container_id", &container.id), ("container", "late")]);
    container.load.run("exit 1 5");
    let change = exporter.scrape().since(&before);
    let of = |name: &str| {
        let labels = [("container_id", container.id.as_str()), ("container", name), ("outcome", "failure")];
        change.sum("doubleslit_process_exits_total", &labels)
    };
    assert_eq!((of("early"), of("late")), (3.0, 5.0));
    assert_eq!((lifecycle(&change, "early"), lifecycle(&change, "late")), ((1.0, 0.0), (0.0, 0.0)));
    engine.cli(["stop", "--time=0", &container.id]);
    let change = exporter.scrape().since(&before);
    assert_eq!((lifecycle(&change, "early"), lifecycle(&change, "late")), ((1.0, 0.0), (0.0, 1.0)));
    assert_conserved(&exporter.scrape());
}

/// A container that its engine starts again and again is one container with many starts.
#[test]
#[ignore = "needs root and BTF"]
fn started_again_when_it_fails() {
    let mut exporter = setup().start();
    let before = exporter.scrape();
    // Its own end is a failure too.
    let work = format!("{} exit 1 3; exit 1", rootfs::LOAD);
    let options = ["run", "--detach", "--network=none", "--name=stubborn", "--restart=on-failure:2", IMAGE];
    let id = docker().cli([&options[..], &["sh", "-c", &work]].concat());
    wait::until("the engine gives up", || {
        (docker().inspect(&id, "{{.RestartCount}} {{.State.Status}}") == "2 exited").then_some(())
    });
    docker().remove(&id);
    let change = exporter.scrape().since(&before);
    assert_eq!(failed(&change, &id), failures(3 * (3 + 1)));
    assert_eq!(lifecycle(&change, "stubborn"), (3.0, 3.0));
    assert_conserved(&exporter.scrape());
}
