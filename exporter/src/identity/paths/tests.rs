//! Real paths of every runtime, and what holds for all paths.

use proptest::prelude::*;

use super::{Located, Owner, PodRef, locate};
use crate::identity::Runtime::{self, Containerd, CriO, Docker, Lxc, Nspawn, Podman};

const A: &str = "60ef7fa3a8aa4cfaa2e7bc08373689c3978ada30d39fee37cf78c89f7011ffc8";
const B: &str = "673a05c5ab1baf36958d0e05744813febed17d85d8127897440c0459b5a5c079";
const UID: &str = "11111111-2222-3333-4444-555555555555";
const STATIC: &str = "d8f2a9c1b7e64035a1f0c3d2e4b59687";

type Row = (&'static str, Runtime, &'static str, &'static str, &'static str);

/// Paths of containers' own cgroups: path, runtime, id, pod's uid and class. `A`, `B`, `U`, `V` and `S` stand for two ids,
/// the pod's uid with `-` and with `_`, and a static pod's uid.
const CONTAINERS: &[Row] = &[
    // Docker: cgroupfs, with a parent, systemd, with a slice, rootless.
    ("/docker/{A}", Docker, "{A}", "", ""),
    ("/a/b/{A}", Docker, "{A}", "", ""),
    ("/ecs/0f1e2d3c4b5a69788796a5b4c3d2e1f0/{A}", Docker, "{A}", "", ""),
    ("/system.slice/docker-{A}.scope", Docker, "{A}", "", ""),
    ("/my.slice/docker-{A}.scope", Docker, "{A}", "", ""),
    ("/user.slice/user-1000.slice/user@1000.service/user.slice/docker-{A}.scope", Docker, "{A}", "", ""),
    ("/system.slice:docker:{A}", Docker, "{A}", "", ""),
    // Docker below a kubelet.
    (
        "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod{V}.slice/docker-{A}.scope",
        Docker,
        "{A}",
        "{U}",
        "besteffort",
    ),
    // Kubernetes on containerd: cgroupfs in all three classes, systemd in all three classes, a static pod.
    ("/kubepods/besteffort/pod{U}/{A}", Containerd, "{A}", "{U}", "besteffort"),
    ("/kubepods/burstable/pod{U}/{A}", Containerd, "{A}", "{U}", "burstable"),
    ("/kubepods/pod{U}/{A}", Containerd, "{A}", "{U}", "guaranteed"),
    ("/kubepods/burstable/pod{S}/{A}", Containerd, "{A}", "{S}", "burstable"),
    (
        "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod{V}.slice/cri-containerd-{A}.scope",
        Containerd,
        "{A}",
        "{U}",
        "besteffort",
    ),
    (
        "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{S}.slice/cri-containerd-{A}.scope",
        Containerd,
        "{A}",
        "{S}",
        "burstable",
    ),
    ("/kubepods.slice/kubepods-pod{V}.slice/cri-containerd-{A}.scope", Containerd, "{A}", "{U}", "guaranteed"),
    // A kubelet with a root of its own, as in a node made of a container, seen from inside.
    ("/kubelet/kubepods/burstable/pod{U}/{A}", Containerd, "{A}", "{U}", "burstable"),
    (
        "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-pod{V}.slice/cri-containerd-{A}.scope",
        Containerd,
        "{A}",
        "{U}",
        "burstable",
    ),
    // A kubelet with the systemd driver on a containerd without.
    (
        "/system.slice/containerd.service/kubepods-burstable-pod{V}.slice:cri-containerd:{A}",
        Containerd,
        "{A}",
        "{U}",
        "burstable",
    ),
    // containerd's own clients.
    ("/default/plain1", Containerd, "plain1", "", ""),
    ("/default/{A}", Containerd, "{A}", "", ""),
    ("/k8s.io/{A}", Containerd, "{A}", "", ""),
    ("/system.slice/ctr-plain2.scope", Containerd, "plain2", "", ""),
    ("/system.slice/nerdctl-{A}.scope", Containerd, "{A}", "", ""),
    // CRI-O: systemd, cgroupfs.
    (
        "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{V}.slice/crio-{A}.scope",
        CriO,
        "{A}",
        "{U}",
        "burstable",
    ),
    ("/kubepods/besteffort/pod{U}/crio-{A}", CriO, "{A}", "{U}", "besteffort"),
    // Podman: cgroupfs, in a pod, systemd, in a pod, rootless, in the unit that started it.
    ("/libpod_parent/libpod-{A}", Podman, "{A}", "", ""),
    ("/libpod_parent/{B}/libpod-{A}", Podman, "{A}", "{B}", ""),
    ("/a/b/libpod-{A}", Podman, "{A}", "", ""),
    ("/machine.slice/libpod-{A}.scope", Podman, "{A}", "", ""),
    ("/machine.slice/machine-libpod_pod_{B}.slice/libpod-{A}.scope", Podman, "{A}", "{B}", ""),
    ("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{A}.scope", Podman, "{A}", "", ""),
    (
        "/user.slice/user-1000.slice/user@1000.service/user.slice/user-libpod_pod_{B}.slice/libpod-{A}.scope",
        Podman,
        "{A}",
        "{B}",
        "",
    ),
    ("/system.slice/web.service/libpod-payload-{A}", Podman, "{A}", "", ""),
    // LXC, LXC's old layout and Proxmox.
    ("/lxc.payload.lx1", Lxc, "lx1", "", ""),
    ("/system.slice/lxc.payload.a.b", Lxc, "a.b", "", ""),
    ("/lxc/101", Lxc, "101", "", ""),
    // systemd-nspawn: registered, as a service, neither.
    ("/machine.slice/machine-m1.scope/payload", Nspawn, "m1", "", ""),
    ("/machine.slice/machine-my\\x2dbox.scope/payload", Nspawn, "my-box", "", ""),
    ("/machine.slice/systemd-nspawn@my-box.service/payload", Nspawn, "my-box", "", ""),
    ("/machine.slice/machine-b\\xffd.scope/payload", Nspawn, "b\\xffd", "", ""),
    ("/machine.slice/machine-b\\x2.scope/payload", Nspawn, "b\\x2", "", ""),
    ("/payload", Nspawn, "payload", "", ""),
];

/// What may be found inside of a container.
const NESTED: &[&str] = &[
    "/container",
    "/init.scope",
    "/init",
    "/docker/{B}",
    "/system.slice/docker-{B}.scope",
    "/system.slice/libpod-conmon-{B}.scope",
    "/kubelet/kubepods/burstable/pod{U}/{B}",
    "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod{V}.slice/cri-containerd-{B}.scope/container",
    "/lxc.payload.inner",
    "/lxc.monitor.inner",
    "/payload",
    "/ns/system.slice/cron.service",
];

/// Paths of pods' own cgroups: path, uid, class.
const PODS: &[(&str, &str, &str)] = &[
    ("/kubepods/besteffort/pod{U}", "{U}", "besteffort"),
    ("/kubepods/pod{S}", "{S}", "guaranteed"),
    ("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{V}.slice", "{U}", "burstable"),
    ("/kubepods.slice/kubepods-pod{V}.slice", "{U}", "guaranteed"),
    ("/libpod_parent/{B}", "{B}", ""),
    ("/machine.slice/machine-libpod_pod_{B}.slice", "{B}", ""),
];

/// Paths that belong to the host.
const HOST: &[&str] = &[
    "",
    "/",
    "//",
    "/init.scope",
    "/system.slice",
    "/system.slice/docker.service",
    "/system.slice/containerd.service",
    "/system.slice/crio.service",
    "/system.slice/crio-conmon-{A}.scope",
    "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{V}.slice/crio-conmon-{A}.scope",
    "/machine.slice/libpod-conmon-{A}.scope",
    "/machine.slice/machine-libpod_pod_{B}.slice/libpod-conmon-{A}.scope",
    "/libpod_parent",
    "/libpod_parent/libpod-conmon-{A}",
    "/libpod_parent/conmon",
    "/user.slice/user-1000.slice/user@1000.service/user.slice/podman-711.scope",
    "/user.slice/user-1000.slice/user@1000.service/user.slice/podman-pause-1a2b3c4d.scope",
    "/user.slice/user-1000.slice/session-1.scope",
    "/docker",
    "/default",
    "/k8s.io",
    "/kubepods",
    "/kubepods/burstable",
    "/kubepods.slice",
    "/kubepods.slice/kubepods-burstable.slice",
    "/kubelet.slice/kubelet-kubepods.slice",
    "/lxc",
    "/lxc.payload.",
    "/lxc.monitor.lx1",
    "/lxc.monitor/101",
    "/lxc.pivot",
    "/supervisor",
    "/machine.slice/machine-m1.scope",
    "/machine.slice/machine-m1.scope/supervisor",
    "/machine.slice/systemd-nspawn@m1.service/supervisor",
    "/machine.slice/machine-qemu\\x2d1\\x2dvm.scope",
    "/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/libvirt/emulator",
    "/system.slice/web.service/payload",
    "/system.slice/web.service/supervisor",
    // Not quite an id: too short, upper case, something after it, something before it.
    "/docker/60ef7fa3a8aa",
    "/docker/60EF7FA3A8AA4CFAA2E7BC08373689C3978ADA30D39FEE37CF78C89F7011FFC8",
    "/system.slice/docker-{A}-pause.scope",
    "/system.slice/docker-{A}.service",
    "/system.slice/other-{A}.scope",
    "/a/default/..",
    "/default/..",
    "/poduid/x",
];

fn filled(text: &str) -> String {
    text.replace("{A}", A)
        .replace("{B}", B)
        .replace("{U}", UID)
        .replace("{V}", &UID.replace('-', "_"))
        .replace("{S}", STATIC)
}

fn expected(row: &Row) -> (String, Located) {
    let (path, runtime, id, uid, qos) = *row;
    let path = filled(path);
    let pod = (!uid.is_empty()).then(|| PodRef { uid: filled(uid), qos });
    let located = Located { owner: Owner::Container { runtime, id: filled(id) }, pod, root_len: path.len() };
    (path, located)
}

#[test]
fn finds_containers_of_every_runtime() {
    for row in CONTAINERS {
        let (path, located) = expected(row);
        assert_eq!(locate(&path), Some(located.clone()), "{path}");
        assert!(located.is_own(&path), "{path}");
        assert!(located.is_own(&format!("{path}/")), "{path}");
    }
}

#[test]
fn gives_what_is_nested_to_the_outermost_container() {
    for row in CONTAINERS {
        let (root, located) = expected(row);
        for below in NESTED {
            let path = format!("{root}{}", filled(below));
            assert_eq!(locate(&path), Some(located.clone()), "{path}");
            assert!(!located.is_own(&path), "{path}");
            assert_eq!(located.root(&path), root);
        }
    }
}

#[test]
fn finds_pods() {
    for (path, uid, qos) in PODS {
        let path = filled(path);
        let pod = Some(PodRef { uid: filled(uid), qos });
        let located = Located { owner: Owner::Pod, pod, root_len: path.len() };
        assert_eq!(locate(&path), Some(located.clone()), "{path}");
        let nested = format!("{path}/else");
        assert_eq!(locate(&nested), Some(located.clone()), "{nested}");
        assert!(located.is_own(&path) && !located.is_own(&nested));
    }
}

#[test]
fn leaves_the_rest_to_the_host() {
    for path in HOST {
        let path = filled(path);
        assert_eq!(locate(&path), None, "{path}");
    }
}

proptest! {
    #[test]
    fn takes_any_text(path in any::<String>()) {
        if let Some(located) = locate(&path) {
            prop_assert!(located.root_len <= path.len());
            prop_assert!(path.is_char_boundary(located.root_len));
        }
    }

    #[test]
    fn takes_any_path_of_familiar_names(
        names in prop::collection::vec(
            prop::sample::select(vec![
                "docker", "kubepods", "besteffort", "pod1", "payload", "lxc", "default", "libpod_parent", "machine-\\x.scope", "x:y:z",
                "libpod_pod_.slice", "-kubepods-pod.slice", A, "", "..",
            ]),
            0..8,
        ),
    ) {
        let path = names.join("/");
        if let Some(located) = locate(&path) {
            // The root alone tells the same as the whole path.
            prop_assert_eq!(locate(located.root(&path)), Some(located));
        }
    }

    #[test]
    fn anything_below_a_container_is_the_containers(row in prop::sample::select(CONTAINERS), below in any::<String>()) {
        let (root, located) = expected(&row);
        let path = format!("{root}/{below}");
        prop_assert_eq!(locate(&path), Some(located));
    }
}
