//! From CRI's answers to facts.

use std::time::{Duration, SystemTime};

use super::messages::{CONTAINER_EXITED, Container, ContainerStatus, ImageSpec, PodSandbox};
use crate::identity::{
    Runtime, Scope,
    facts::{End, Facts},
    paths::is_hex_id,
};

/// The reason that CRI gives for a container that the OOM killer ended.
const OOM_KILLED: &str = "OOMKilled";

/// The runtime that calls itself by this name.
pub(super) fn runtime(name: &str) -> Option<Runtime> {
    [Runtime::Containerd, Runtime::CriO, Runtime::Docker].into_iter().find(|runtime| runtime.name() == name)
}

/// What is known of a pod by its sandbox.
pub(super) fn of_sandbox(runtime: Option<Runtime>, sandbox: &PodSandbox) -> Facts {
    let pod = sandbox.metadata.clone().unwrap_or_default();
    Facts {
        scope: Some(Scope::Pod),
        runtime,
        pod: pod.name,
        namespace: pod.namespace,
        pod_uid: pod.uid,
        pod_labels: sandbox.labels.clone(),
        ..Facts::default()
    }
}

/// What is known of a container in a pod.
pub(super) fn of_container(pod: Facts, container: &Container, status: ContainerStatus) -> Facts {
    let ContainerStatus { metadata, state, started_at, exit_code, image, image_ref, reason, labels } = status;
    Facts {
        scope: Some(Scope::Container),
        container_id: container.id.clone(),
        container: metadata.unwrap_or_default().name,
        image: named(container.image.as_ref(), image.as_ref()),
        image_id: image_ref,
        container_labels: labels,
        started: time(started_at),
        end: (state == CONTAINER_EXITED).then(|| End { exit_code, oom_killed: reason == OOM_KILLED }),
        ..pod
    }
}

/// The image as a person named it. A kubelet has the runtime create a container from an image's id; since Kubernetes 1.28 it
/// says what it was before, and until then the runtime finds a name that the image has.
fn named(created: Option<&ImageSpec>, found: Option<&ImageSpec>) -> String {
    let written = created.map(|image| &image.user_specified_image);
    let names = [written, created.map(|image| &image.image), found.map(|image| &image.image)];
    let is_name = |name: &&&String| !name.is_empty() && !name.starts_with("sha256:") && !is_hex_id(name);
    names.iter().flatten().find(is_name).map(|name| (*name).clone()).unwrap_or_default()
}

fn time(nanos: i64) -> Option<SystemTime> {
    let nanos = u64::try_from(nanos).ok().filter(|nanos| *nanos > 0)?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_nanos(nanos))
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;
    use crate::identity::sockets::cri::messages::{ContainerMetadata, PodSandboxMetadata};

    const ID: &str = "43eef329842341f766ea21e896401deff889dbd0d6a55b42fedad43fdc9fea35";

    fn labels<const N: usize>(labels: [(&str, &str); N]) -> std::collections::BTreeMap<String, String> {
        labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
    }

    fn sandbox() -> PodSandbox {
        PodSandbox {
            id: "66bd".to_owned(),
            metadata: Some(PodSandboxMetadata {
                name: "web-0".to_owned(),
                uid: "1111-2222".to_owned(),
                namespace: "shop".to_owned(),
            }),
            labels: labels([("app", "web")]),
        }
    }

    fn image(image: &str, user_specified_image: &str) -> ImageSpec {
        ImageSpec { image: image.to_owned(), user_specified_image: user_specified_image.to_owned() }
    }

    fn container() -> Container {
        Container {
            id: ID.to_owned(),
            pod_sandbox_id: "66bd".to_owned(),
            image: Some(image("sha256:9689bb", "busybox")),
            state: 1,
        }
    }

    fn status() -> ContainerStatus {
        ContainerStatus {
            metadata: Some(ContainerMetadata { name: "main".to_owned() }),
            state: 1,
            started_at: 1_700_000_000_000_000_001,
            image: Some(image("docker.io/library/busybox:latest", "")),
            image_ref: "docker.io/library/busybox@sha256:aa".to_owned(),
            labels: labels([("io.kubernetes.container.name", "main")]),
            ..ContainerStatus::default()
        }
    }

    fn pod() -> Facts {
        Facts {
            scope: Some(Scope::Pod),
            runtime: Some(Runtime::CriO),
            pod: "web-0".to_owned(),
            namespace: "shop".to_owned(),
            pod_uid: "1111-2222".to_owned(),
            pod_labels: labels([("app", "web")]),
            ..Facts::default()
        }
    }

    #[test]
    fn a_sandbox_is_its_pod() {
        assert_eq!(of_sandbox(Some(Runtime::CriO), &sandbox()), pod());
        assert_eq!(of_sandbox(None, &PodSandbox::default()), Facts { scope: Some(Scope::Pod), ..Facts::default() });
    }

    #[test]
    fn a_container_has_what_its_pod_has() {
        let expected = Facts {
            scope: Some(Scope::Container),
            container_id: ID.to_owned(),
            container: "main".to_owned(),
            image: "busybox".to_owned(),
            image_id: "docker.io/library/busybox@sha256:aa".to_owned(),
            container_labels: labels([("io.kubernetes.container.name", "main")]),
            started: Some(SystemTime::UNIX_EPOCH + Duration::from_nanos(1_700_000_000_000_000_001)),
            ..pod()
        };
        assert_eq!(of_container(pod(), &container(), status()), expected);
    }

    #[test]
    fn tells_how_a_container_ended() {
        let end = |state, exit_code, reason: &str| {
            let status = ContainerStatus { state, exit_code, reason: reason.to_owned(), ..status() };
            of_container(pod(), &container(), status).end
        };
        assert_eq!(end(1, 0, ""), None);
        assert_eq!(end(0, 0, ""), None);
        assert_eq!(end(CONTAINER_EXITED, 3, "Error"), Some(End { exit_code: 3, oom_killed: false }));
        assert_eq!(end(CONTAINER_EXITED, 137, OOM_KILLED), Some(End { exit_code: 137, oom_killed: true }));
    }

    #[test]
    fn before_the_start_there_is_none() {
        for nanos in [0, -1, i64::MIN] {
            assert_eq!(time(nanos), None);
        }
    }

    #[test]
    fn an_image_has_the_name_that_a_person_gave() {
        let id = image("sha256:9689bb", "");
        let hex = image(ID, "");
        let tag = image("registry.local/busybox:1", "");
        let digest = image("registry.local/busybox@sha256:9689bb", "");
        for (created, found, expected) in [
            (Some(&image("sha256:9689bb", "busybox")), Some(&tag), "busybox"),
            (Some(&tag), Some(&digest), "registry.local/busybox:1"),
            (Some(&digest), Some(&tag), "registry.local/busybox@sha256:9689bb"),
            (Some(&id), Some(&tag), "registry.local/busybox:1"),
            (Some(&hex), Some(&tag), "registry.local/busybox:1"),
            (None, Some(&tag), "registry.local/busybox:1"),
            (Some(&id), Some(&hex), ""),
            (None, None, ""),
        ] {
            assert_eq!(named(created, found), expected);
        }
    }

    #[test]
    fn knows_runtimes_by_name() {
        assert_eq!(runtime("containerd"), Some(Runtime::Containerd));
        assert_eq!(runtime("cri-o"), Some(Runtime::CriO));
        assert_eq!(runtime("docker"), Some(Runtime::Docker));
        assert_eq!(runtime("frakti"), None);
    }

    /// The numbers of the fields, in bytes as any other implementation writes them.
    #[test]
    fn reads_the_wire_format() {
        let bytes = [
            b"\x0a\x02id".as_slice(),
            b"\x12\x02sb",
            b"\x1a\x06\x0a\x04main",
            b"\x22\x0c\x0a\x03img\x92\x01\x04user",
            b"\x2a\x03ref",
            b"\x30\x02",
        ]
        .concat();
        let expected = Container {
            id: "id".to_owned(),
            pod_sandbox_id: "sb".to_owned(),
            image: Some(image("img", "user")),
            state: CONTAINER_EXITED,
        };
        assert_eq!(Container::decode(bytes.as_slice()).expect("a message"), expected);
    }
}
