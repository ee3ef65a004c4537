//! What the kubelet has docker write on the containers that it starts (through cri-dockerd), as labels.

use std::collections::BTreeMap;

const POD_NAME: &str = "io.kubernetes.pod.name";
const POD_NAMESPACE: &str = "io.kubernetes.pod.namespace";
const POD_UID: &str = "io.kubernetes.pod.uid";
const CONTAINER_NAME: &str = "io.kubernetes.container.name";
const SANDBOX_ID: &str = "io.kubernetes.sandbox.id";
pub(super) const TYPE: &str = "io.kubernetes.docker.type";

/// What the kubelet writes, and what annotations are written with: these are no labels of the pod.
const NOT_THE_PODS: [&str; 2] = ["io.kubernetes.", "annotation."];

/// A container of the kubelet's. What its labels do not tell is empty.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Kubelet {
    /// Whether it is the sandbox of its pod.
    pub(super) is_sandbox: bool,
    pub(super) pod: String,
    pub(super) namespace: String,
    pub(super) pod_uid: String,
    pub(super) container: String,
    /// The container that is the sandbox of its pod.
    pub(super) sandbox_id: String,
}

impl Kubelet {
    /// Reads a container's labels; nothing when it is none of the kubelet's.
    pub(super) fn read(labels: &BTreeMap<String, String>) -> Option<Self> {
        let label = |key: &str| labels.get(key).cloned().unwrap_or_default();
        let kind = Some(label(TYPE)).filter(|kind| !kind.is_empty())?;
        Some(Self {
            is_sandbox: kind == "podsandbox",
            pod: label(POD_NAME),
            namespace: label(POD_NAMESPACE),
            pod_uid: label(POD_UID),
            container: label(CONTAINER_NAME),
            sandbox_id: label(SANDBOX_ID),
        })
    }
}

/// The labels of the pod, out of those of its sandbox.
pub(super) fn pod_labels(sandbox: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let is_pods = |key: &str| !NOT_THE_PODS.iter().any(|prefix| key.starts_with(prefix));
    sandbox.into_iter().filter(|(key, _)| is_pods(key)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn reads_what_the_kubelet_writes() {
        assert_eq!(Kubelet::read(&labels(&[("app", "web")])), None);
        assert_eq!(Kubelet::read(&labels(&[(TYPE, "")])), None);
        let written = [
            (TYPE, "container"),
            (POD_NAME, "web-0"),
            (POD_NAMESPACE, "shop"),
            (POD_UID, "u"),
            (CONTAINER_NAME, "main"),
            (SANDBOX_ID, "s"),
        ];
        let kubelet = Kubelet::read(&labels(&written)).expect("a container of the kubelet's");
        let Kubelet { is_sandbox, pod, namespace, pod_uid, container, sandbox_id } = kubelet;
        assert!(!is_sandbox);
        assert_eq!([pod, namespace, pod_uid, container, sandbox_id], ["web-0", "shop", "u", "main", "s"]);
        assert!(Kubelet::read(&labels(&[(TYPE, "podsandbox")])).expect("a sandbox").is_sandbox);
    }

    #[test]
    fn finds_the_labels_of_the_pod() {
        let sandbox = labels(&[
            (TYPE, "podsandbox"),
            (POD_NAME, "web-0"),
            ("annotation.kubernetes.io/config.source", "api"),
            ("app.kubernetes.io/name", "web"),
        ]);
        assert_eq!(pod_labels(sandbox), labels(&[("app.kubernetes.io/name", "web")]));
    }
}
