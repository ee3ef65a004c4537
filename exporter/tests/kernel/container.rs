//! The probe `container`: exactly one start and one stop for each.

use doubleslit_testbed::{cgroup::Cgroup, static_binary};

use crate::harness::{STARTS, STOPS, assert_conserved, docker, lifecycle, setup};

#[test]
#[ignore = "needs root and BTF"]
fn starts_and_stops() {
    let mut exporter = setup().start();
    let before = exporter.scrape();
    let mut a = docker().load("counted", &[]);
    let started = exporter.scrape().since(&before);
    assert_eq!(lifecycle(&started, "counted"), (1.0, 0.0));
    assert_eq!((started.sum(STARTS, &[]), started.sum(STOPS, &[])), (1.0, 0.0));

    // Neither what happens inside nor another stop and start of the engine's view change it.
    a.load.run("cpus=0,1 fork 100");
    a.load.run("threads 100");
    docker().cli(["exec", &a.id, "true"]);
    assert_eq!(lifecycle(&exporter.scrape().since(&before), "counted"), (1.0, 0.0));

    docker().cli(["stop", &a.id]);
    assert_eq!(lifecycle(&exporter.scrape().since(&before), "counted"), (1.0, 1.0));
    a.start();
    assert_eq!(lifecycle(&exporter.scrape().since(&before), "counted"), (2.0, 1.0));
    docker().cli(["restart", "--time=0", &a.id]);
    assert_eq!(lifecycle(&exporter.scrape().since(&before), "counted"), (3.0, 2.0));
    drop(a);
    let change = exporter.scrape().since(&before);
    assert_eq!(lifecycle(&change, "counted"), (3.0, 3.0));
    assert_eq!((change.sum(STARTS, &[]), change.sum(STOPS, &[])), (3.0, 3.0));
    assert_conserved(&exporter.scrape());
}

#[test]
#[ignore = "needs root and BTF"]
fn services_and_cgroups_inside_containers_are_no_containers() {
    let _slice = Cgroup::create("/system.slice");
    let mut exporter = setup().start();
    let change = exporter.during(|| {
        drop(Cgroup::create("/system.slice/some.service"));
        let (_outer, id) = Cgroup::like_docker(3);
        let inner = Cgroup::create(&format!("/docker/{id}/inner"));
        inner.run(static_binary::load(), &["exec", "7"]);
    });
    assert_eq!((change.sum(STARTS, &[]), change.sum(STOPS, &[])), (1.0, 1.0));
    // What happens in a cgroup inside a container is the container's.
    let execs = change.sum("doubleslit_process_execs_total", &[("container_id", &Cgroup::docker_id(3))]);
    assert_eq!(execs, 8.0);
}

/// What the path alone tells of a container in a pod.
#[test]
#[ignore = "needs root and BTF"]
fn pods() {
    let uid = "d0b1e511-0000-4000-8000-000000000000";
    let _kubepods = Cgroup::create("/kubepods");
    let _burstable = Cgroup::create("/kubepods/burstable");
    let mut exporter = setup().start();
    let container = Cgroup::docker_id(4);
    let change = exporter.during(|| {
        let pod = Cgroup::create(&format!("/kubepods/burstable/pod{uid}"));
        Cgroup::create(&format!("/kubepods/burstable/pod{uid}/{container}")).run(static_binary::load(), &["exec", "5"]);
        drop(pod);
    });
    let labels = [("pod", uid), ("container_id", container.as_str())];
    assert_eq!(change.sum("doubleslit_process_execs_total", &labels), 6.0);
    let labels = [("pod", uid), ("runtime", "containerd")];
    assert_eq!((change.sum(STARTS, &labels), change.sum(STOPS, &labels)), (1.0, 1.0));
    assert_eq!((change.sum(STARTS, &[]), change.sum(STOPS, &[])), (1.0, 1.0));
}

#[test]
#[ignore = "needs root and BTF"]
fn what_is_known_of_a_container() {
    let a = docker().load("known", &["--label=com.docker.compose.service=web"]);
    let mut exporter = setup().start();
    let scrape = exporter.scrape();
    let labels = [("container_id", a.id.as_str())];
    let (info, value) = scrape.matching("doubleslit_container_info", &labels).next().expect("it is there");
    assert_eq!(value, 1.0);
    for (label, expected) in [
        ("container", "known"),
        ("runtime", "docker"),
        ("image", "testbed:latest"),
        ("cgroup_path", format!("/docker/{}", a.id).as_str()),
        ("container_label_com_docker_compose_service", "web"),
    ] {
        assert_eq!(info.labels.get(label).map(String::as_str), Some(expected), "{label}");
    }
    let started = scrape.value("doubleslit_container_start_time_seconds", &labels).expect("it is there");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs_f64();
    assert!((now - 60.0..=now).contains(&started), "{started}, now {now}");
    // Zeros from the first sighting on, so that the first event shows as a rise.
    for (name, labels) in [
        ("doubleslit_process_oom_kills_total", &labels[..]),
        ("doubleslit_process_exits_total", &[labels[0], ("outcome", "failure")]),
        ("doubleslit_tcp_connect_attempts_total", &[labels[0], ("family", "ipv6")]),
    ] {
        assert_eq!(scrape.value(name, labels), Some(0.0), "{name}");
    }
}
