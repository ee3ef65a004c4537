//! From containerd's answers to facts.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use super::messages::{Container, Timestamp};
use crate::identity::{Runtime, Scope, facts::Facts};

/// Where nerdctl writes the name that a person gave.
const NERDCTL_NAME: &str = "nerdctl/name";

// What containerd writes on the containers that it starts for a kubelet, beside the kubelet's own labels.
const KIND: &str = "io.cri-containerd.kind";
const SANDBOX: &str = "sandbox";
const CONTAINER_NAME: &str = "io.kubernetes.container.name";
const POD_NAME: &str = "io.kubernetes.pod.name";
const POD_NAMESPACE: &str = "io.kubernetes.pod.namespace";
const POD_UID: &str = "io.kubernetes.pod.uid";

/// What is known of a container, apart from when it started and how it ended.
pub(super) fn of_container(container: Container) -> Facts {
    let Container { id, labels, image } = container;
    let kind = labels.get(KIND).map(String::as_str);
    let runtime = Some(Runtime::Containerd);
    let pod = if kind.is_some() { of_pod(&labels) } else { Facts::default() };
    if kind == Some(SANDBOX) {
        return Facts { scope: Some(Scope::Pod), runtime, pod_labels: labels, ..pod };
    }
    let name = label(&labels, if kind.is_some() { CONTAINER_NAME } else { NERDCTL_NAME });
    Facts {
        scope: Some(Scope::Container),
        runtime,
        container: if name.is_empty() { id.clone() } else { name },
        container_id: id,
        image,
        container_labels: labels,
        ..pod
    }
}

fn of_pod(labels: &BTreeMap<String, String>) -> Facts {
    Facts {
        pod: label(labels, POD_NAME),
        namespace: label(labels, POD_NAMESPACE),
        pod_uid: label(labels, POD_UID),
        ..Facts::default()
    }
}

fn label(labels: &BTreeMap<String, String>, key: &str) -> String {
    labels.get(key).cloned().unwrap_or_default()
}

/// The time that an event tells.
pub(super) fn time(timestamp: &Timestamp) -> Option<SystemTime> {
    let seconds = u64::try_from(timestamp.seconds).ok()?;
    let nanos = u32::try_from(timestamp.nanos).ok().filter(|nanos| *nanos < 1_000_000_000)?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::new(seconds, nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels<const N: usize>(labels: [(&str, &str); N]) -> BTreeMap<String, String> {
        labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
    }

    fn container(id: &str, labels: &BTreeMap<String, String>) -> Facts {
        let (id, image) = (id.to_owned(), "registry.local/busybox:1".to_owned());
        of_container(Container { id, labels: labels.clone(), image })
    }

    #[test]
    fn a_container_of_a_client_has_the_name_that_a_person_gave() {
        let plain = Facts {
            scope: Some(Scope::Container),
            runtime: Some(Runtime::Containerd),
            container_id: "cache".to_owned(),
            container: "cache".to_owned(),
            image: "registry.local/busybox:1".to_owned(),
            ..Facts::default()
        };
        assert_eq!(container("cache", &BTreeMap::new()), plain);

        // Labels that a kubelet gives mean nothing on a container that was not made for one.
        let labels = labels([(NERDCTL_NAME, "web"), (POD_NAME, "web-0")]);
        let named = Facts { container_id: "1e2d".to_owned(), container: "web".to_owned(), ..plain };
        assert_eq!(container("1e2d", &labels), Facts { container_labels: labels, ..named });
    }

    #[test]
    fn a_kubelets_container_has_its_pod() {
        let labels = labels([
            (KIND, "container"),
            (CONTAINER_NAME, "main"),
            (POD_NAME, "web-0"),
            (POD_NAMESPACE, "shop"),
            (POD_UID, "1111-2222"),
        ]);
        let expected = Facts {
            scope: Some(Scope::Container),
            runtime: Some(Runtime::Containerd),
            container_id: "43ee".to_owned(),
            container: "main".to_owned(),
            pod: "web-0".to_owned(),
            namespace: "shop".to_owned(),
            pod_uid: "1111-2222".to_owned(),
            image: "registry.local/busybox:1".to_owned(),
            container_labels: labels.clone(),
            ..Facts::default()
        };
        assert_eq!(container("43ee", &labels), expected);
    }

    #[test]
    fn a_sandbox_is_its_pod() {
        let labels = labels([(KIND, SANDBOX), ("app", "web"), (POD_NAME, "web-0"), (POD_NAMESPACE, "shop")]);
        let expected = Facts {
            scope: Some(Scope::Pod),
            runtime: Some(Runtime::Containerd),
            pod: "web-0".to_owned(),
            namespace: "shop".to_owned(),
            pod_labels: labels.clone(),
            ..Facts::default()
        };
        assert_eq!(container("66bd", &labels), expected);
    }

    #[test]
    fn takes_any_time() {
        let at = |seconds, nanos| time(&Timestamp { seconds, nanos });
        assert_eq!(at(1, 5), Some(SystemTime::UNIX_EPOCH + Duration::new(1, 5)));
        for (seconds, nanos) in [(-1, 0), (0, -1), (0, 1_000_000_000), (i64::MAX, i32::MAX)] {
            assert_eq!(at(seconds, nanos), None, "{seconds} {nanos}");
        }
    }
}
