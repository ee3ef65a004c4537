//! What docker keeps on disk about a container.

use std::{collections::BTreeMap, path::Path, time::SystemTime};

use serde::Deserialize;

use super::{
    Identity, Runtime, Scope, set,
    state_file::{StateFileError, read_json},
};

// What the kubelet has docker write on the containers that it starts (through cri-dockerd).
const POD_NAME: &str = "io.kubernetes.pod.name";
const POD_NAMESPACE: &str = "io.kubernetes.pod.namespace";
const POD_UID: &str = "io.kubernetes.pod.uid";
const CONTAINER_NAME: &str = "io.kubernetes.container.name";
const TYPE: &str = "io.kubernetes.docker.type";

/// The part of `config.v2.json` that is of use here. Docker writes it before it starts a container.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DockerContainer {
    #[serde(default)]
    name: Option<String>,
    /// The image's id.
    #[serde(default)]
    image: Option<String>,
    #[serde(default)]
    config: Option<Config>,
    #[serde(default)]
    state: Option<State>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Config {
    #[serde(default)]
    image: Option<String>,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct State {
    #[serde(default)]
    pid: i64,
    #[serde(default)]
    started_at: Option<String>,
}

/// Reads docker's state of a container.
pub(super) fn read(docker_root: &Path, id: &str) -> Result<DockerContainer, StateFileError> {
    read_json(&docker_root.join("containers").join(id).join("config.v2.json"))
}

impl DockerContainer {
    /// When the container started. While it has no process, the file still tells its previous start.
    pub(super) fn started(&self) -> Option<SystemTime> {
        let state = self.state.as_ref().filter(|state| state.pid > 0)?;
        humantime::parse_rfc3339(state.started_at.as_deref()?).ok()
    }

    /// Adds what docker knows to what the path told.
    pub(super) fn describe(self, identity: &mut Identity) {
        let Self { name, image, config, state: _ } = self;
        let (named_image, labels) =
            config.map(|config| (config.image, config.labels.unwrap_or_default())).unwrap_or_default();
        let label = |key: &str| labels.get(key).filter(|value| !value.is_empty()).cloned();

        identity.runtime = Some(Runtime::Docker);
        if let Some(kind) = label(TYPE) {
            set(&mut identity.pod, [label(POD_NAME)]);
            set(&mut identity.namespace, [label(POD_NAMESPACE)]);
            set(&mut identity.pod_uid, [label(POD_UID)]);
            if kind == "podsandbox" {
                identity.scope = Scope::Pod;
                identity.container_id.clear();
                identity.container.clear();
                return;
            }
        }
        let name = name.map(|name| name.strip_prefix('/').map(str::to_owned).unwrap_or(name));
        set(&mut identity.container, [label(CONTAINER_NAME).or(name)]);
        set(&mut identity.image, [named_image]);
        set(&mut identity.image_id, [image]);
        identity.container_labels = labels;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WEB: &str = "60ef7fa3a8aa4cfaa2e7bc08373689c3978ada30d39fee37cf78c89f7011ffc8";
    const MAIN: &str = "c422379bf88791a866f91aa0d5abc1d35bb4819ff1160af270a662c66a99e7b6";
    const SANDBOX: &str = "673a05c5ab1baf36958d0e05744813febed17d85d8127897440c0459b5a5c079";
    const NEVER_STARTED: &str = "a9541c4ccdf17f8315536bb498eebbefd463a18954a78f3a803a3aa01cb5b5c9";
    const EXITED: &str = "cf0bd200cfd844497bacb0ce9e7fa7e8c632d71d05b1c4c834b42cb84cc47a73";

    /// A container on a real docker 20.10.
    fn real(id: &str) -> (Identity, Option<SystemTime>) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/identity/docker");
        let container = read(&root, id).expect("docker's state");
        let started = container.started();
        let mut identity = Identity { scope: Scope::Container, container_id: id.to_owned(), ..Identity::default() };
        container.describe(&mut identity);
        (identity, started)
    }

    #[test]
    fn names_a_container() {
        let (identity, started) = real(WEB);
        assert_eq!(
            identity,
            Identity {
                scope: Scope::Container,
                runtime: Some(Runtime::Docker),
                container_id: WEB.to_owned(),
                container: "web-1".to_owned(),
                image: "busybox:test".to_owned(),
                image_id: "sha256:9689bb5698603229edc5346649ea4a06dd3a462656c9bfba0f4cfab9986dcd3f".to_owned(),
                container_labels: [
                    ("com.docker.compose.project", "shop"),
                    ("com.docker.compose.service", "web"),
                    ("com.example.team", "core"),
                ]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
                ..Identity::default()
            }
        );
        assert_eq!(started, humantime::parse_rfc3339("2026-11-20T19:22:45.894105277Z").ok());
    }

    #[test]
    fn names_a_container_of_a_pod() {
        let (identity, _) = real(MAIN);
        let Identity { scope, container, pod, namespace, pod_uid, container_id, .. } = identity;
        assert_eq!(scope, Scope::Container);
        assert_eq!(
            [container, pod, namespace, pod_uid, container_id],
            ["main", "web-0", "shop", "11111111-2222-3333-4444-555555555555", MAIN]
        );
    }

    #[test]
    fn gives_a_sandbox_to_its_pod() {
        let (identity, _) = real(SANDBOX);
        assert_eq!(
            identity,
            Identity {
                scope: Scope::Pod,
                runtime: Some(Runtime::Docker),
                pod: "web-0".to_owned(),
                namespace: "shop".to_owned(),
                pod_uid: "11111111-2222-3333-4444-555555555555".to_owned(),
                ..Identity::default()
            }
        );
    }

    #[test]
    fn knows_no_start_of_what_does_not_run() {
        for (id, name) in [(NEVER_STARTED, "new-1"), (EXITED, "done-1")] {
            let (identity, started) = real(id);
            assert_eq!((identity.container.as_str(), started), (name, None));
        }
    }

    #[test]
    fn takes_nulls_and_absent_parts() {
        for text in [
            "{}",
            r#"{"Name":null,"Image":null,"Config":null,"State":null}"#,
            r#"{"Name":"","Config":{"Image":null,"Labels":null},"State":{"StartedAt":"soon","Pid":7}}"#,
            r#"{"State":{"StartedAt":"0001-01-01T00:00:00Z","Pid":7}}"#,
        ] {
            let container: DockerContainer = serde_json::from_str(text).expect("a container");
            assert_eq!(container.started(), None);
            let mut identity = Identity::default();
            container.describe(&mut identity);
            assert_eq!(identity, Identity { runtime: Some(Runtime::Docker), ..Identity::default() });
        }
    }

    proptest! {
        #[test]
        fn takes_any_values(name in any::<String>(), at in any::<String>(), pid in any::<i64>(), label in any::<String>()) {
            let text = serde_json::json!({
                "Name": name, "State": { "StartedAt": at, "Pid": pid }, "Config": { "Labels": { TYPE: label } },
            });
            let container: DockerContainer = serde_json::from_value(text).expect("a container");
            container.started();
            container.describe(&mut Identity::default());
        }
    }
}
