//! What docker keeps on disk about a container.

use std::{collections::BTreeMap, path::PathBuf, time::SystemTime};

use serde::Deserialize;

use super::{
    Runtime, Scope,
    facts::{End, Facts},
    failures::{Reason, Source as Name},
    kubelet::Kubelet,
    roots::Roots,
    source::{Source, Trouble, Wanted},
    state_file::Tree,
};

/// Docker's files about its containers.
#[derive(Debug)]
pub(super) struct DockerFiles {
    tree: Tree,
    containers: PathBuf,
}

impl DockerFiles {
    /// The files below docker's root.
    pub(super) fn new(roots: &Roots) -> Self {
        Self { tree: roots.tree.clone(), containers: roots.docker.join("containers") }
    }
}

impl Source for DockerFiles {
    fn name(&self) -> Name {
        Name::Docker
    }

    fn tell(&self, wanted: &Wanted<'_>) -> Result<Option<Facts>, Trouble> {
        if !matches!(wanted.runtime, Some(Runtime::Docker | Runtime::Containerd)) {
            return Ok(None);
        }
        let path = self.containers.join(wanted.id).join("config.v2.json");
        match self.tree.read_json::<Container>(&path) {
            Ok(container) => Ok(Some(container.facts(wanted.id))),
            // Docker below a kubelet without the systemd driver has the same paths as containerd.
            Err(error) if wanted.runtime == Some(Runtime::Containerd) && error.reason() == Reason::Missing => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// The part of `config.v2.json` that is of use here. Docker writes it before it starts a container.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Container {
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

#[derive(Debug, Default, Deserialize)]
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
    #[serde(default)]
    finished_at: Option<String>,
    #[serde(default)]
    exit_code: i32,
    #[serde(default, rename = "OOMKilled")]
    oom_killed: bool,
}

/// What Docker writes for a time that has not come.
const NEVER: &str = "0001-01-01T00:00:00Z";

impl State {
    /// When the container started. While it has no process, the file still tells its previous start.
    fn started(&self) -> Option<SystemTime> {
        if self.pid <= 0 {
            return None;
        }
        humantime::parse_rfc3339(self.started_at.as_deref()?).ok()
    }

    /// How the container ended; nothing while it runs and for one that never did.
    fn end(&self) -> Option<End> {
        let has_finished = self.pid <= 0 && self.finished_at.as_deref().is_some_and(|finished| finished != NEVER);
        has_finished.then_some(End { exit_code: self.exit_code, oom_killed: self.oom_killed })
    }
}

impl Container {
    fn facts(self, id: &str) -> Facts {
        let Self { name, image, config, state } = self;
        let Config { image: named_image, labels } = config.unwrap_or_default();
        let labels = labels.unwrap_or_default();
        let mut facts = Facts {
            runtime: Some(Runtime::Docker),
            started: state.as_ref().and_then(State::started),
            end: state.as_ref().and_then(State::end),
            ..Facts::default()
        };
        let mut container = String::new();
        if let Some(kubelet) = Kubelet::read(&labels) {
            facts.pod = kubelet.pod;
            facts.namespace = kubelet.namespace;
            facts.pod_uid = kubelet.pod_uid;
            if kubelet.is_sandbox {
                return Facts { scope: Some(Scope::Pod), ..facts };
            }
            container = kubelet.container;
        }
        if container.is_empty() {
            let name = name.unwrap_or_default();
            container = name.strip_prefix('/').unwrap_or(&name).to_owned();
        }
        Facts {
            scope: Some(Scope::Container),
            container_id: id.to_owned(),
            container,
            image: named_image.unwrap_or_default(),
            image_id: image.unwrap_or_default(),
            container_labels: labels,
            ..facts
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use proptest::prelude::*;

    use super::*;
    use crate::identity::kubelet::TYPE;

    const WEB: &str = "60ef7fa3a8aa4cfaa2e7bc08373689c3978ada30d39fee37cf78c89f7011ffc8";
    const MAIN: &str = "c422379bf88791a866f91aa0d5abc1d35bb4819ff1160af270a662c66a99e7b6";
    const SANDBOX: &str = "673a05c5ab1baf36958d0e05744813febed17d85d8127897440c0459b5a5c079";
    const NEVER_STARTED: &str = "a9541c4ccdf17f8315536bb498eebbefd463a18954a78f3a803a3aa01cb5b5c9";
    const EXITED: &str = "cf0bd200cfd844497bacb0ce9e7fa7e8c632d71d05b1c4c834b42cb84cc47a73";

    fn files(root: &Path) -> DockerFiles {
        DockerFiles::new(&Roots { docker: "/docker".into(), ..Roots::below(root, "/nonexistent".into()) })
    }

    fn wanted(runtime: Runtime, id: &str) -> Wanted<'_> {
        Wanted { runtime: Some(runtime), id, cgroup: "/somewhere", since: std::time::Instant::now() }
    }

    /// A container on a real docker 20.10.
    fn real(id: &str) -> Facts {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/identity");
        files(&root).tell(&wanted(Runtime::Docker, id)).expect("docker's state").expect("facts")
    }

    #[test]
    fn names_a_container() {
        let expected = Facts {
            scope: Some(Scope::Container),
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
            started: humantime::parse_rfc3339("2026-11-20T19:22:45.894105277Z").ok(),
            ..Facts::default()
        };
        assert_eq!(real(WEB), expected);
    }

    #[test]
    fn names_a_container_of_a_pod() {
        let Facts { scope, container, pod, namespace, pod_uid, container_id, .. } = real(MAIN);
        assert_eq!(scope, Some(Scope::Container));
        assert_eq!(
            [container, pod, namespace, pod_uid, container_id],
            ["main", "web-0", "shop", "11111111-2222-3333-4444-555555555555", MAIN]
        );
    }

    #[test]
    fn gives_a_sandbox_to_its_pod() {
        let expected = Facts {
            scope: Some(Scope::Pod),
            runtime: Some(Runtime::Docker),
            pod: "web-0".to_owned(),
            namespace: "shop".to_owned(),
            pod_uid: "11111111-2222-3333-4444-555555555555".to_owned(),
            ..Facts::default()
        };
        assert_eq!(Facts { started: None, ..real(SANDBOX) }, expected);
    }

    #[test]
    fn knows_no_start_of_what_does_not_run() {
        for (id, name) in [(NEVER_STARTED, "new-1"), (EXITED, "done-1")] {
            let facts = real(id);
            assert_eq!((facts.container.as_str(), facts.started), (name, None));
        }
    }

    #[test]
    fn tells_how_a_container_ended() {
        let ends = [EXITED, NEVER_STARTED, WEB].map(|id| real(id).end);
        assert_eq!(ends, [Some(End { exit_code: 0, oom_killed: false }), None, None]);
        let text = r#"{"State":{"Pid":0,"FinishedAt":"2026-11-20T19:22:46Z","ExitCode":137,"OOMKilled":true}}"#;
        let container: Container = serde_json::from_str(text).expect("a container");
        assert_eq!(container.facts(EXITED).end, Some(End { exit_code: 137, oom_killed: true }));
    }

    #[test]
    fn takes_nulls_and_absent_parts() {
        for text in [
            "{}",
            r#"{"Name":null,"Image":null,"Config":null,"State":null}"#,
            r#"{"Name":"","Config":{"Image":null,"Labels":null},"State":{"StartedAt":"soon","Pid":7}}"#,
            r#"{"State":{"StartedAt":"0001-01-01T00:00:00Z","Pid":7}}"#,
        ] {
            let container: Container = serde_json::from_str(text).expect("a container");
            let expected = Facts {
                scope: Some(Scope::Container),
                runtime: Some(Runtime::Docker),
                container_id: "id".to_owned(),
                ..Facts::default()
            };
            assert_eq!(container.facts("id"), expected, "{text}");
        }
    }

    #[test]
    fn knows_its_own_containers_only() {
        let root = tempfile::tempdir().expect("a directory");
        let files = files(root.path());
        let trouble = files.tell(&wanted(Runtime::Docker, WEB)).expect_err("a container that is not there");
        assert_eq!(trouble.reason, Reason::Missing);
        for runtime in [Runtime::Containerd, Runtime::CriO, Runtime::Podman, Runtime::Lxc, Runtime::Nspawn] {
            assert_eq!(files.tell(&wanted(runtime, WEB)).expect("an answer"), None);
        }
        let nobody = Wanted { runtime: None, id: "", cgroup: "/system.slice", since: std::time::Instant::now() };
        assert_eq!(files.tell(&nobody).expect("an answer"), None);
    }

    #[test]
    fn survives_what_is_no_state() {
        let root = tempfile::tempdir().expect("a directory");
        let files = files(root.path());
        let directory = root.path().join("docker/containers").join(WEB);
        fs::create_dir_all(&directory).expect("a directory");
        let labels = "x".repeat(10 << 20);
        for text in
            [r#"{"Name":"/we"#, "7", r#"{"Name":7}"#, &format!(r#"{{"Config":{{"Labels":{{"a":"{labels}"}}}}}}"#)]
        {
            fs::write(directory.join("config.v2.json"), text).expect("a file");
            for runtime in [Runtime::Docker, Runtime::Containerd] {
                let trouble = files.tell(&wanted(runtime, WEB)).expect_err("no state");
                assert_eq!(trouble.reason, Reason::Malformed, "{:.20}", text);
            }
        }
    }

    proptest! {
        #[test]
        fn takes_any_values(name in any::<String>(), at in any::<String>(), pid in any::<i64>(), label in any::<String>()) {
            let text = serde_json::json!({
                "Name": name, "State": { "StartedAt": at, "Pid": pid }, "Config": { "Labels": { TYPE: label } },
            });
            let container: Container = serde_json::from_value(text).expect("a container");
            container.facts("id");
        }
    }
}
