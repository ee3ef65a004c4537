//! Whole identities from paths and the state that real runtimes left.

use std::{fs, path::Path};

use super::*;
use crate::identity::Runtime;

const WEB: &str = "60ef7fa3a8aa4cfaa2e7bc08373689c3978ada30d39fee37cf78c89f7011ffc8";
const DOCKER_MAIN: &str = "c422379bf88791a866f91aa0d5abc1d35bb4819ff1160af270a662c66a99e7b6";
const DOCKER_SANDBOX: &str = "673a05c5ab1baf36958d0e05744813febed17d85d8127897440c0459b5a5c079";
const SANDBOX: &str = "66bd777d2fbce568c2e4d2a66d178048a0ef378557eafe08a42633bb246cd91b";
const MAIN: &str = "43eef329842341f766ea21e896401deff889dbd0d6a55b42fedad43fdc9fea35";
const CRIO_MAIN: &str = "1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f00f";
const CRIO_SANDBOX: &str = "9f3c1d5e7a9b0c2d4e6f8091a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5";
const NOBODY: &str = "0000000000000000000000000000000000000000000000000000000000000000";
const POD: &str = "/kubepods/besteffort/pod11111111-2222-3333-4444-555555555555";
const CRIO_POD: &str =
    "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod22222222_3333_4444_5555_666666666666.slice";

fn resolver_at(fixtures: &Path) -> Resolver {
    let roots = Roots {
        docker: "/docker".into(),
        run: "/run".into(),
        lib: "/lib".into(),
        ..Roots::below(fixtures, fixtures.join("sys/fs/cgroup/unified"))
    };
    Resolver::new(roots, Vec::new(), Arc::default())
}

fn resolver() -> Resolver {
    resolver_at(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/identity"))
}

/// What is told of a cgroup, with failures counted.
fn told(resolver: &Resolver, path: &str) -> Resolved {
    let resolved = resolver.resolve(path, Instant::now());
    resolver.count(&resolved.troubles);
    resolved
}

/// What labels and decisions hang on.
fn summary(resolved: &Resolved) -> (Scope, Option<Runtime>, [&str; 5], bool) {
    let Identity { scope, runtime, container_id, container, pod, namespace, qos, .. } = &resolved.merged.identity;
    (*scope, *runtime, [container_id, container, pod, namespace, qos], resolved.own)
}

#[test]
fn names_the_owners_of_cgroups() {
    let resolver = resolver();
    let uid = "22222222-3333-4444-5555-666666666666";
    let (docker, containerd, crio) = (Some(Runtime::Docker), Some(Runtime::Containerd), Some(Runtime::CriO));
    let (host, pod, container) = (Scope::Host, Scope::Pod, Scope::Container);
    for (path, expected) in [
        ("/system.slice/docker.service".to_owned(), (host, None, [""; 5], false)),
        (format!("/docker/{WEB}"), (container, docker, [WEB, "web-1", "", "", ""], true)),
        (format!("/docker/{WEB}/init.scope"), (container, docker, [WEB, "web-1", "", "", ""], false)),
        (format!("{POD}/{MAIN}"), (container, containerd, [MAIN, "main", "web-0", "shop", "besteffort"], true)),
        (format!("{POD}/{SANDBOX}"), (pod, containerd, ["", "", "web-0", "shop", "besteffort"], false)),
        // The same paths, but docker runs the pod.
        (
            format!("{POD}/{DOCKER_MAIN}"),
            (container, docker, [DOCKER_MAIN, "main", "web-0", "shop", "besteffort"], true),
        ),
        (format!("{POD}/{DOCKER_SANDBOX}"), (pod, docker, ["", "", "web-0", "shop", "besteffort"], false)),
        (
            format!("{CRIO_POD}/crio-{CRIO_MAIN}.scope"),
            (container, crio, [CRIO_MAIN, "db", "db-0", "shop", "burstable"], true),
        ),
        (
            format!("{CRIO_POD}/crio-{CRIO_SANDBOX}.scope/container"),
            (pod, crio, ["", "", "db-0", "shop", "burstable"], false),
        ),
        // No name is known of a pod's own cgroup.
        (CRIO_POD.to_owned(), (pod, None, ["", "", uid, "", "burstable"], false)),
        ("/lxc.payload.lx1".to_owned(), (container, Some(Runtime::Lxc), ["lx1", "lx1", "", "", ""], true)),
        ("/lxc.payload.lx1/init.scope".to_owned(), (container, Some(Runtime::Lxc), ["lx1", "lx1", "", "", ""], false)),
    ] {
        assert_eq!(summary(&resolver.resolve(&path, Instant::now())), expected, "{path}");
    }
    assert_eq!(resolver.failures().iter().map(|(_, _, count)| count).sum::<u64>(), 0);
}

#[test]
fn knows_when_docker_started_a_container() {
    let expected = humantime::parse_rfc3339("2026-11-20T19:22:45.894105277Z").ok();
    assert_eq!(resolver().resolve(&format!("/docker/{WEB}"), Instant::now()).merged.started, expected);
}

#[test]
fn falls_back_to_the_path_and_counts_why() {
    let root = tempfile::tempdir().expect("a directory");
    let resolver = resolver_at(root.path());
    let docker_path = format!("/docker/{NOBODY}");
    let pod_path = format!("{CRIO_POD}/cri-containerd-{NOBODY}.scope");

    let resolved = told(&resolver, &docker_path);
    assert_eq!(summary(&resolved), (Scope::Container, Some(Runtime::Docker), [NOBODY, "", "", "", ""], true));
    let uid = "22222222-3333-4444-5555-666666666666";
    let resolved = told(&resolver, &pod_path);
    assert_eq!(
        summary(&resolved),
        (Scope::Container, Some(Runtime::Containerd), [NOBODY, "", uid, "", "burstable"], true)
    );
    assert_eq!(resolver.failures().get(Name::Docker, Reason::Missing), 1);
    assert_eq!(resolver.failures().get(Name::Oci, Reason::Missing), 1);

    let state = root.path().join("docker/containers").join(NOBODY);
    fs::create_dir_all(state.join("config.v2.json")).expect("a directory");
    assert_eq!(told(&resolver, &docker_path).merged.identity.container_id, NOBODY);
    assert_eq!(resolver.failures().get(Name::Docker, Reason::Unreadable), 1);

    let tasks = root.path().join("run/containerd/io.containerd.runtime.v2.task/k8s.io").join(NOBODY);
    fs::create_dir_all(&tasks).expect("a directory");
    fs::write(tasks.join("config.json"), "{\"annotations\":").expect("a file");
    assert_eq!(told(&resolver, &pod_path).merged.identity.container_id, NOBODY);
    assert_eq!(resolver.failures().get(Name::Oci, Reason::Malformed), 1);
}
