//! Labels that containers bring along, containers that are ignored, and units of the host.

use doubleslit_testbed::{cgroup::Cgroup, scrape::Rows, static_binary};

use crate::harness::{assert_conserved, docker, rows, setup, setup_with};

const EXECS: &str = "doubleslit_process_execs_total";
const STARTS: &str = "doubleslit_container_starts_total";

#[test]
#[ignore = "needs root and BTF"]
fn labels_of_containers_are_labels_of_rows() {
    let mut exporter = setup_with("extra_labels: [team, app.kubernetes.io/name]").start();
    let long = "ä".repeat(200);
    let mut a = docker().load("alpha", &["--label=team=blue", "--label=app.kubernetes.io/name=shop"]);
    let mut b = docker().load("beta", &[&format!("--label=team={long}")]);
    let change = exporter.during(|| {
        a.load.run("exec 10");
        b.load.run("exec 20");
    });
    let blue = [("container", "alpha"), ("team", "blue"), ("app_kubernetes_io_name", "shop")];
    assert_eq!(change.value(EXECS, &blue), Some(10.0));
    // Cut at 256 bytes.
    let cut = "ä".repeat(128);
    assert_eq!(
        change.value(EXECS, &[("container", "beta"), ("team", &cut), ("app_kubernetes_io_name", "")]),
        Some(20.0)
    );
    let scrape = exporter.scrape();
    assert_eq!(scrape.value(STARTS, &[("container", "alpha"), ("runtime", "docker"), ("team", "blue")]), Some(1.0));
    assert_eq!(scrape.value("doubleslit_container_info", &blue), Some(1.0));
    assert_conserved(&scrape);
}

#[test]
#[ignore = "needs root and BTF"]
fn ignored_containers_have_no_series() {
    let ignore = "ignore: [{container: 'load-*', image: 'testbed:*'}, {label: doubleslit.io/ignore=true}]";
    let mut exporter = setup().config(ignore).start();
    let before = exporter.scrape();
    let mut by_name = docker().load("load-1", &[]);
    let mut by_label = docker().load("labelled", &["--label=doubleslit.io/ignore=true"]);
    let mut web = docker().load("web", &["--label=doubleslit.io/ignore=false"]);
    let started = exporter.scrape();
    let starts = started.since(&before);
    let shown = ["load-1", "labelled", "web"].map(|name| starts.sum(STARTS, &[("container", name)]));
    assert_eq!(shown, [0.0, 0.0, 1.0], "the starts that are shown");
    let ignored = |event| [("event", event)];
    assert_eq!(starts.sum("doubleslit_events_ignored_total", &ignored("container_start")), 2.0);

    // By itself: the end of a child sends a signal too.
    let change = exporter.during(|| drop(by_label.load.run(&format!("signal {} 20", libc::SIGUSR1))));
    for event in ["signal_generate", "signal_deliver"] {
        assert_eq!(change.sum("doubleslit_events_ignored_total", &ignored(event)), 20.0, "{event}");
    }
    by_name.load.run("exec 10");
    web.load.run("exec 30");
    let scrape = exporter.scrape();
    let change = scrape.since(&started);
    for container in [&by_name, &by_label] {
        let named = |value: &String| *value == container.id || *value == container.name;
        let series = scrape.0.keys().find(|series| series.labels.values().any(named));
        assert_eq!(series, None, "{} has no series", container.name);
        let path = |value: &String| value.contains(&container.id);
        assert!(!scrape.0.keys().any(|series| series.labels.values().any(path)), "nor a path");
    }
    let expected = Rows::of([("process_execs", 30), ("process_forks", 30), ("process_exits outcome=success", 30)]);
    assert_eq!(rows(&change, &web).only(&["process_"]), expected);
    for (event, count) in [("exec", 10.0), ("fork", 10.0), ("exit", 10.0)] {
        assert_eq!(change.sum("doubleslit_events_ignored_total", &ignored(event)), count, "{event}");
    }
    assert_conserved(&scrape);

    drop((by_name, by_label));
    let stops = exporter.scrape().since(&scrape);
    assert_eq!(stops.sum("doubleslit_events_ignored_total", &ignored("container_stop")), 2.0);
    let shown =
        ["load-1", "labelled"].map(|name| stops.sum("doubleslit_container_stops_total", &[("container", name)]));
    assert_eq!(shown, [0.0, 0.0], "the stops that are shown");
    assert_conserved(&exporter.scrape());
}

#[test]
#[ignore = "needs root and BTF"]
fn units_of_the_host_have_rows_of_their_own() {
    let unit = "doubleslit-testbed.service";
    let path = format!("/system.slice/{unit}");
    let _slice = Cgroup::create("/system.slice");
    let run = |count: &str| Cgroup::create(&path).run(static_binary::load(), &["exec", count]);

    let mut exporter = setup_with("unit: true").start();
    let change = exporter.during(|| run("5"));
    assert_eq!(change.value(EXECS, &[("unit", unit), ("container_id", ""), ("container", "")]), Some(6.0));
    // A later run of the unit counts in the same row.
    assert_eq!(exporter.during(|| run("7")).value(EXECS, &[("unit", unit)]), Some(8.0));
    let a = docker().load("alpha", &[]);
    assert_eq!(exporter.scrape().matching(EXECS, &[("container_id", &a.id), ("unit", "")]).count(), 1);
    assert_conserved(&exporter.scrape());

    let mut exporter = setup().start();
    run("5");
    assert!(exporter.scrape().0.keys().all(|series| !series.labels.contains_key("unit")), "units are off");
}
