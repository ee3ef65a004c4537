//! containerd: through CRI as for a kubelet, through its own API as for `ctr`, and by its files alone.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Instant,
};

use doubleslit::identity::{
    Identity, Runtime, Scope,
    facts::{End, Facts},
    resolve::Resolver,
    roots::Roots,
    sockets::{containerd, cri},
    source::Source,
};
use doubleslit_testbed::{
    containerd::{Containerd, IMAGE, PodSpec},
    sys,
};

use crate::harness::{Follower, is_recent};

pub(crate) const WEB: PodSpec<'_> = PodSpec {
    name: "web-0",
    namespace: "shop",
    uid: "d0b1e511-0000-4000-8000-000000000001",
    labels: &[("app", "web"), ("example.com/team", "core")],
};
const LATE: PodSpec<'_> =
    PodSpec { name: "late-0", namespace: "shop", uid: "d0b1e511-0000-4000-8000-000000000002", labels: &[] };
pub(crate) const SLEEP: [&str; 2] = ["/bin/sleep", "1000000"];

/// The containerd of all tests. It ends with this process.
pub(crate) fn containerd() -> MutexGuard<'static, Containerd> {
    static CONTAINERD: OnceLock<Mutex<Containerd>> = OnceLock::new();
    let containerd = CONTAINERD.get_or_init(|| Mutex::new(Containerd::start()));
    // A test that failed leaves one that works.
    containerd.lock().unwrap_or_else(PoisonError::into_inner)
}

fn labels<'a>(labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> std::collections::BTreeMap<String, String> {
    labels.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// What is known of a pod by its sandbox.
fn pod(spec: &PodSpec<'_>) -> Facts {
    let kubelets = [
        ("io.kubernetes.pod.name", spec.name),
        ("io.kubernetes.pod.namespace", spec.namespace),
        ("io.kubernetes.pod.uid", spec.uid),
    ];
    Facts {
        scope: Some(Scope::Pod),
        runtime: Some(Runtime::Containerd),
        pod: spec.name.to_owned(),
        namespace: spec.namespace.to_owned(),
        pod_uid: spec.uid.to_owned(),
        pod_labels: labels(spec.labels.iter().copied().chain(kubelets)),
        ..Facts::default()
    }
}

/// Checks what is known of a running container in a pod.
fn assert_container(facts: &Facts, spec: &PodSpec<'_>, id: &str, name: &str, own_labels: &[(&str, &str)]) {
    let kubelets = [
        ("io.kubernetes.container.name", name),
        ("io.kubernetes.pod.name", spec.name),
        ("io.kubernetes.pod.namespace", spec.namespace),
        ("io.kubernetes.pod.uid", spec.uid),
    ];
    assert!(facts.started.is_none_or(|started| is_recent(Some(started))), "{facts:?}");
    assert!(facts.image_id.starts_with("sha256:") && facts.image_id.len() == 71, "{facts:?}");
    let expected = Facts {
        scope: Some(Scope::Container),
        container_id: id.to_owned(),
        container: name.to_owned(),
        image: IMAGE.to_owned(),
        image_id: facts.image_id.clone(),
        container_labels: labels(own_labels.iter().copied().chain(kubelets)),
        started: facts.started,
        ..pod(spec)
    };
    assert_eq!(*facts, expected);
}

#[test]
#[ignore = "needs root"]
fn pods_through_cri() {
    let containerd = containerd();
    let web = containerd.pod(&WEB);
    let main = web.container("main", &[("tier", "front")], &SLEEP);
    let sidecar = web.container("sidecar", &[], &SLEEP);

    // What was there before, all at once.
    let mut follower = Follower::up(cri::follow, containerd.socket());
    assert_eq!(follower.tell(&web.id), pod(&WEB));
    assert_container(&follower.tell(&main), &WEB, &main, "main", &[("tier", "front")]);
    assert_container(&follower.tell(&sidecar), &WEB, &sidecar, "sidecar", &[]);
    assert!(is_recent(follower.tell(&main).started));

    // What comes later, as soon as somebody wants to know.
    let late = containerd.pod(&LATE);
    let short = late.container("short", &[], &["/bin/sh", "-c", "exit 3"]);
    assert_eq!(follower.await_facts(&late.id, |_| true), pod(&LATE));
    let ended = follower.await_facts(&short, |facts| facts.end.is_some());
    assert_eq!(ended.end, Some(End { exit_code: 3, oom_killed: false }));
    assert_container(&Facts { end: None, ..ended }, &LATE, &short, "short", &[]);

    web.stop(&sidecar);
    let ended = follower.await_facts(&sidecar, |facts| facts.end.is_some());
    assert_eq!(ended.end, Some(End { exit_code: 137, oom_killed: false }));
    assert_eq!(follower.tell(&main).end, None);

    // What the runtime does not know is not asked for again and again.
    let nobody = "d0b1e511".repeat(8);
    assert_eq!(follower.try_tell(&nobody), None);
}

#[test]
#[ignore = "needs root"]
fn containers_of_ctr() {
    let containerd = containerd();
    let mut follower = Follower::up(containerd::follow, containerd.socket());
    containerd.run_container("cache", &["--label=team=core"], &SLEEP);
    containerd.run_container("d0b1e5", &["--label=nerdctl/name=front"], &["/bin/sh", "-c", "exit 3"]);

    let ended = follower.await_facts("d0b1e5", |facts| facts.end.is_some());
    assert_eq!((ended.container_id.as_str(), ended.container.as_str()), ("d0b1e5", "front"));
    assert_eq!(ended.end, Some(End { exit_code: 3, oom_killed: false }));

    let cache = follower.await_facts("cache", |facts| facts.started.is_some());
    assert!(is_recent(cache.started), "{cache:?}");
    let expected = Facts {
        scope: Some(Scope::Container),
        runtime: Some(Runtime::Containerd),
        container_id: "cache".to_owned(),
        container: "cache".to_owned(),
        image: IMAGE.to_owned(),
        container_labels: labels([("team", "core")]),
        ..Facts::default()
    };
    let shown = cache.container_labels.iter().filter(|(key, _)| !key.starts_with("io.containerd."));
    let shown = shown.map(|(key, value)| (key.clone(), value.clone())).collect();
    assert_eq!(Facts { container_labels: shown, started: None, ..cache.clone() }, expected);

    // A process that is executed inside ends nothing.
    containerd.ctr("default", ["tasks", "exec", "--exec-id=extra", "cache", "/bin/true"]);
    containerd.ctr("default", ["containers", "label", "cache", "team=other"]);
    let labelled = follower.await_facts("cache", |facts| facts.container_labels["team"] == "other");
    assert_eq!((labelled.end, labelled.started), (None, cache.started));

    // Whoever comes later is told at once.
    assert_eq!(Follower::up(containerd::follow, containerd.socket()).tell("cache").container, "cache");

    containerd.ctr("default", ["tasks", "kill", "--signal=SIGKILL", "cache"]);
    let ended = follower.await_facts("cache", |facts| facts.end.is_some());
    assert_eq!(ended.end, Some(End { exit_code: 137, oom_killed: false }));
    for id in ["cache", "d0b1e5"] {
        containerd.ctr("default", ["tasks", "delete", "--force", id]);
        containerd.ctr("default", ["containers", "delete", id]);
    }
}

#[test]
#[ignore = "needs root"]
fn containerd_killed_and_started_again() {
    let containerd = containerd();
    let web = containerd.pod(&WEB);
    let main = web.container("main", &[], &SLEEP);
    containerd.run_container("steady", &[], &SLEEP);
    let mut pods = Follower::up(cri::follow, containerd.socket());
    let clients = Follower::up(containerd::follow, containerd.socket());

    containerd.kill();
    for follower in [&pods, &clients] {
        follower.await_up(false);
    }
    // What was heard is told further on.
    assert_eq!((pods.tell(&main).container.as_str(), pods.tell(&main).end), ("main", None));
    assert_eq!(pods.tell(&web.id), pod(&WEB));
    assert_eq!(clients.tell("steady").container, "steady");
    let pid = containerd.run().join("containerd/io.containerd.runtime.v2.task/k8s.io").join(&main).join("init.pid");
    let pid = fs::read_to_string(pid).expect("a file of containerd's").trim().parse().expect("a process id");
    sys::send(pid, libc::SIGKILL).expect("the container runs");

    containerd.start_again();
    for follower in [&pods, &clients] {
        follower.await_up(true);
    }
    let end = pods.await_facts(&main, |facts| facts.end.is_some()).end.expect("it has ended");
    // Of what ended while it did not watch, containerd 2 says 255.
    assert!([137, 255].contains(&end.exit_code) && !end.oom_killed, "{end:?}");
    let late = containerd.pod(&LATE);
    let container = late.container("main", &[], &SLEEP);
    assert_container(&pods.await_facts(&container, |_| true), &LATE, &container, "main", &[]);
    assert_eq!(clients.tell("steady").end, None);
    containerd.ctr("default", ["tasks", "delete", "--force", "steady"]);
    containerd.ctr("default", ["containers", "delete", "steady"]);
}

/// A resolver that knows containerd's files and these other sources.
fn resolver(run: PathBuf, sources: Vec<Box<dyn Source>>) -> Resolver {
    let nothing = || "/nonexistent".into();
    let roots = Roots { docker: nothing(), run, lib: nothing(), ..Roots::below(Path::new("/"), nothing()) };
    Resolver::new(roots, sources, Arc::default())
}

#[test]
#[ignore = "needs root"]
fn names_come_from_files_when_the_socket_does_not_answer() {
    let containerd = containerd();
    let web = containerd.pod(&WEB);
    let main = web.container("main", &[], &SLEEP);
    containerd.run_container("cache", &[], &SLEEP);
    let silent = Follower::start(cri::follow, "/nonexistent/some.sock".into());
    let resolver = resolver(containerd.run(), vec![Box::new(silent.source)]);

    let of_pod = Identity {
        scope: Scope::Pod,
        runtime: Some(Runtime::Containerd),
        pod: WEB.name.to_owned(),
        namespace: WEB.namespace.to_owned(),
        pod_uid: WEB.uid.to_owned(),
        qos: "besteffort",
        ..Identity::default()
    };
    let sandbox = resolver.resolve(&format!("{}/{}", WEB.cgroup(), web.id), Instant::now()).merged.identity;
    assert_eq!(sandbox, of_pod);
    let container = resolver.resolve(&format!("{}/{main}", WEB.cgroup()), Instant::now()).merged.identity;
    let expected = Identity {
        scope: Scope::Container,
        container_id: main,
        container: "main".to_owned(),
        image: IMAGE.to_owned(),
        ..of_pod
    };
    assert_eq!(container, expected);
    let cache = resolver.resolve("/default/cache", Instant::now()).merged.identity;
    assert_eq!((cache.container.as_str(), cache.container_id.as_str()), ("cache", "cache"));
    containerd.ctr("default", ["tasks", "delete", "--force", "cache"]);
    containerd.ctr("default", ["containers", "delete", "cache"]);
}
