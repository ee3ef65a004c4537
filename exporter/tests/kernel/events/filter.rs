//! Filters in the kernel: what they keep out never reaches the ring.

use std::{cell::Cell, path::Path};

use doubleslit_common::event::Stage;
use doubleslit_testbed::{cgroup::Cgroup, watch::Watch};

use super::{
    ring::{Ring, USER, execute},
    text,
};
use crate::harness::{BINARY, docker};

#[test]
#[ignore = "needs root and BTF"]
fn users_are_kept_out_of_the_ring() {
    let (first, second) = (format!("uid={USER}..{}", USER + 2), format!("uid={}", USER + 1));
    let mut ring = Ring::of_executions(&[&first], &[&second], &[]);
    execute(60, 4);
    let users = ring.headers().len();
    assert_eq!((users, ring.count(Stage::Sent)), (30, 30), "those of two users out of four");
    assert!(ring.count(Stage::Filtered) >= 30);
    assert_eq!(ring.count(Stage::Generated), ring.count(Stage::Filtered) + 30);
}

#[test]
#[ignore = "needs root and BTF"]
fn containers_are_kept_out_of_the_ring() {
    let mut ring = Ring::of_executions(&["container=db", "container=we?"], &["container=web,uid=1"], &[]);
    let [web, cache, unknown] = [1, 2, 3].map(|number| Cgroup::like_docker(0xf11 + number).0);
    ring.tell(web.id(), "web");
    ring.tell(cache.id(), "cache");
    for (cgroup, count) in [(&web, 20), (&cache, 30), (&unknown, 10)] {
        (0..count).for_each(|_| cgroup.run(Path::new("/bin/true"), &[]));
    }
    let headers = ring.headers();
    let of = |cgroup: &Cgroup| headers.iter().filter(|header| header.cgroup == cgroup.id()).count();
    assert_eq!([of(&web), of(&cache), of(&unknown)], [20, 0, 10], "what is not known passes");
    assert!(ring.count(Stage::Filtered) >= 30);
    assert_eq!(ring.count(Stage::Generated), ring.count(Stage::Filtered) + ring.count(Stage::Sent));
}

#[test]
#[ignore = "needs root and BTF"]
fn watch_shows_what_its_flags_select() {
    let mut alpha = docker().load("filter-alpha", &[]);
    let mut beta = docker().load("filter-beta", &[]);
    let config = format!(
        "identity: {{docker_root: \"{}\"}}\nevents: {{drop: [{{event: exit}}]}}",
        docker().data_root().display()
    );
    let flags = ["--container", "filter-*", "--drop", "container=filter-b*", "--select", "event=exec"];
    let watch = Watch::start(Path::new(BINARY), &config, &flags);
    beta.load.run("exec 20");
    alpha.load.run("exec 20");
    let seen = Cell::new(0);
    let events = watch.await_events_until("twenty executions", |_| {
        seen.set(seen.get() + 1);
        seen.get() == 20
    });
    assert!(events.iter().all(|event| text(event, "event") == "exec" && text(event, "container.id") == alpha.id));
}
