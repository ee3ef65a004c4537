//! Docker's socket, and podman's that is like it.

use std::collections::BTreeMap;

use doubleslit::identity::{
    Runtime, Scope,
    facts::{End, Facts},
    failures::Reason,
    sockets::docker::follow,
};
use doubleslit_testbed::{
    docker::{self, Docker, Hierarchy},
    podman::{self, Podman},
};

use crate::harness::{Follower, is_recent};

const SLEEP: [&str; 2] = ["sleep", "1000000"];

fn team() -> BTreeMap<String, String> {
    [("team".to_owned(), "core".to_owned())].into()
}

/// Checks what is known of a running container.
fn assert_container(facts: &Facts, runtime: Runtime, id: &str, name: &str, image: &str) {
    assert!(is_recent(facts.started), "{facts:?}");
    assert!(facts.image_id.starts_with("sha256:") && facts.image_id.len() == 71, "{facts:?}");
    let expected = Facts {
        scope: Some(Scope::Container),
        runtime: Some(runtime),
        container_id: id.to_owned(),
        container: name.to_owned(),
        image: image.to_owned(),
        image_id: facts.image_id.clone(),
        container_labels: team(),
        started: facts.started,
        ..Facts::default()
    };
    assert_eq!(*facts, expected);
}

#[test]
#[ignore = "needs root"]
fn containers_of_docker() {
    let docker = Docker::start(Hierarchy::Host);
    let before = docker.run(&["--name=before", "--label=team=core"], &SLEEP);
    let mut follower = Follower::up(follow, docker.socket());
    let facts = follower.await_facts(&before, |facts| facts.started.is_some());
    assert_container(&facts, Runtime::Docker, &before, "before", docker::IMAGE);

    let later = docker.run(&["--name=later", "--label=team=core"], &SLEEP);
    let facts = follower.await_facts(&later, |facts| facts.started.is_some());
    assert_container(&facts, Runtime::Docker, &later, "later", docker::IMAGE);

    docker.cli(["rename", "later", "after"]);
    assert_eq!(follower.await_facts(&later, |facts| facts.container != "later").container, "after");

    docker.cli(["kill", "--signal=KILL", "after"]);
    let ended = follower.await_facts(&later, |facts| facts.end.is_some());
    assert_eq!(ended.end, Some(End { exit_code: 137, oom_killed: false }));
    docker.cli(["start", "after"]);
    let again = follower.await_facts(&later, |facts| facts.end.is_none() && facts.started.is_some());
    assert!(again.started > facts.started, "{again:?}");

    // One that is removed as soon as it ends.
    let short = docker.run(&["--name=short", "--rm"], &["sh", "-c", "exit 3"]);
    let ended = follower.await_facts(&short, |facts| facts.end.is_some());
    assert_eq!((ended.container.as_str(), ended.end), ("short", Some(End { exit_code: 3, oom_killed: false })));
    assert_eq!(follower.failures(Reason::Malformed), 0);
}

#[test]
#[ignore = "needs root"]
fn an_oom_killed_container_of_docker() {
    let docker = Docker::start(Hierarchy::Host);
    let mut follower = Follower::up(follow, docker.socket());
    for options in [&["--memory=32m"][..], &["--memory=32m", "--rm"]] {
        let hungry = docker.run(options, &["tail", "/dev/zero"]);
        let ended = follower.await_facts(&hungry, |facts| facts.end.is_some_and(|end| end.oom_killed));
        assert_eq!(ended.end, Some(End { exit_code: 137, oom_killed: true }));
    }
}

#[test]
#[ignore = "needs root"]
fn docker_killed_and_started_again() {
    let docker = Docker::start(Hierarchy::Host);
    let first = docker.run(&["--name=first", "--stop-signal=KILL"], &SLEEP);
    let mut follower = Follower::up(follow, docker.socket());
    let facts = follower.await_facts(&first, |facts| facts.started.is_some());

    docker.kill();
    follower.await_up(false);
    // What was heard is told further on.
    assert_eq!(follower.tell(&first), facts);

    docker.start_again();
    follower.await_up(true);
    // The engine ends what it finds.
    let ended = follower.await_facts(&first, |facts| facts.end.is_some());
    assert_eq!((ended.container.as_str(), ended.end), ("first", Some(End { exit_code: 137, oom_killed: false })));
    let second = docker.run(&["--name=second", "--label=team=core"], &SLEEP);
    let facts = follower.await_facts(&second, |facts| facts.started.is_some());
    assert_container(&facts, Runtime::Docker, &second, "second", docker::IMAGE);
    assert_eq!(follower.failures(Reason::Malformed), 0);
}

#[test]
#[ignore = "needs root"]
fn containers_of_podman() {
    let podman = Podman::start();
    let before = podman.run(&["--name=before", "--label=team=core"], &SLEEP);
    let mut follower = Follower::up(follow, podman.socket());
    let facts = follower.await_facts(&before, |facts| facts.started.is_some());
    assert_container(&facts, Runtime::Podman, &before, "before", podman::IMAGE);

    let later = podman.run(&["--name=later", "--label=team=core"], &SLEEP);
    let facts = follower.await_facts(&later, |facts| facts.started.is_some());
    assert_container(&facts, Runtime::Podman, &later, "later", podman::IMAGE);

    podman.cli(["rename", "later", "after"]);
    assert_eq!(follower.await_facts(&later, |facts| facts.container != "later").container, "after");

    podman.cli(["kill", "--signal=KILL", "after"]);
    let ended = follower.await_facts(&later, |facts| facts.end.is_some());
    assert_eq!(ended.end, Some(End { exit_code: 137, oom_killed: false }));

    // What happens while nobody listens is found afterwards.
    podman.kill();
    follower.await_up(false);
    assert_eq!(follower.tell(&before).container, "before");
    podman.cli(["rename", "before", "renamed"]);
    podman.start_again();
    follower.await_up(true);
    let renamed = follower.await_facts(&before, |facts| facts.container != "before");
    assert_container(&renamed, Runtime::Podman, &before, "renamed", podman::IMAGE);
    assert_eq!(follower.failures(Reason::Malformed), 0);
}
