//! Where cgroup version 2 is alone, at `/sys/fs/cgroup`.

use doubleslit_testbed::{
    cgroup::Cgroup,
    docker::{Docker, Hierarchy},
    scrape::Rows,
};

use crate::harness::{assert_conserved, nothing, rows, setup_for};

#[test]
#[ignore = "needs root and BTF"]
fn containers_on_the_pure_v2_hierarchy() {
    let _some = Cgroup::create("/some");
    let _parent = Cgroup::create("/some/parent");
    let docker = Docker::start(Hierarchy::PureV2);
    let (mut a, b) = (docker.load("alpha", &[]), docker.load("beta", &[]));
    let nested = docker.load("nested", &["--cgroup-parent=/some/parent"]);
    let mut exporter = setup_for(&docker).mounts_of(docker.pid()).start();
    let change = exporter.during(|| drop(a.load.run("cpus=0,1 exec 10000")));
    let expected =
        Rows::of([("process_execs", 10_000), ("process_forks", 10_000), ("process_exits outcome=success", 10_000)]);
    assert_eq!(rows(&change, &a).only(&["process_"]), expected);
    assert_eq!(rows(&change, &b), nothing());

    let mut started_later = docker.load("gamma", &[]);
    let change = exporter.during(|| drop(started_later.load.run("exec 100")));
    assert_eq!(rows(&change, &started_later).only(&["process_execs"]), Rows::of([("process_execs", 100)]));

    let scrape = exporter.scrape();
    for container in [&a, &b, &nested, &started_later] {
        let labels = [("container_id", container.id.as_str()), ("container", container.name.as_str())];
        assert_eq!(scrape.value("doubleslit_container_info", &labels), Some(1.0), "{}", container.name);
    }
    assert_conserved(&scrape);
}
