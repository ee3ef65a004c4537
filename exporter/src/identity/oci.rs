//! What the OCI configuration of a container tells, as containerd and CRI-O write it for a kubelet.

use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use serde::Deserialize;

use super::{
    Runtime, Scope,
    facts::Facts,
    failures::{Reason, Source as Name},
    paths::containerd_namespace,
    roots::Roots,
    source::{Source, Trouble, Wanted},
    state_file::{StateFileError, Tree},
};

/// The containerd namespaces that are searched for a container whose path does not tell its own.
const NAMESPACES: usize = 32;

/// Where containerd keeps its state below `/run`, and what outlives a boot below `/var/lib`: its own and k3s' way.
const CONTAINERD: [(&str, &str); 2] =
    [("containerd", "containerd"), ("k3s/containerd", "rancher/k3s/agent/containerd")];

/// The files that containerd and CRI-O write about their containers.
#[derive(Debug)]
pub(super) struct OciFiles {
    tree: Tree,
    run: PathBuf,
    lib: PathBuf,
}

impl OciFiles {
    /// The files in the places where the two have them.
    pub(super) fn new(roots: &Roots) -> Self {
        Self { tree: roots.tree.clone(), run: roots.run.clone(), lib: roots.lib.clone() }
    }

    /// The configuration of a containerd container; `namespace` is containerd's, if it is known.
    fn containerd(&self, namespace: Option<&str>, id: &str) -> Result<Configuration, StateFileError> {
        let mut paths = Vec::new();
        for (state, _) in CONTAINERD {
            let tasks = self.run.join(state).join("io.containerd.runtime.v2.task");
            match namespace {
                Some(namespace) => paths.push(tasks.join(namespace)),
                None => paths.extend(self.namespaces(&tasks)),
            }
        }
        self.first(paths.into_iter().map(|namespace| namespace.join(id).join("config.json")))
    }

    /// The configuration of a CRI-O container.
    fn crio(&self, id: &str) -> Result<Configuration, StateFileError> {
        let storage = "containers/storage/overlay-containers";
        self.first([&self.run, &self.lib].map(|root| root.join(storage).join(id).join("userdata/config.json")))
    }

    /// The first file that is there.
    fn first(&self, paths: impl IntoIterator<Item = PathBuf>) -> Result<Configuration, StateFileError> {
        let mut missing = None;
        for path in paths {
            match self.tree.read_json(&path) {
                Err(error) if error.reason() == Reason::Missing => missing = Some(error),
                outcome => return outcome,
            }
        }
        Err(missing.unwrap_or_else(|| self.tree.missing(&self.run)))
    }

    /// The directories of containerd's namespaces, the kubelet's first.
    fn namespaces(&self, tasks: &Path) -> Vec<PathBuf> {
        let mut names = self.tree.names(tasks).map(|(names, _)| names).unwrap_or_default();
        names.sort_by_key(|name| name != "k8s.io");
        names.iter().take(NAMESPACES).map(|name| tasks.join(name)).collect()
    }

    /// When containerd started a container for a kubelet. It writes that down a moment afterwards.
    fn started(&self, id: &str) -> Option<SystemTime> {
        let statuses = CONTAINERD.map(|(_, root)| {
            let status = Path::new("io.containerd.grpc.v1.cri/containers").join(id).join("status");
            self.tree.read_json::<Status>(&self.lib.join(root).join(status)).ok()
        });
        statuses.into_iter().flatten().next()?.started()
    }
}

impl Source for OciFiles {
    fn name(&self) -> Name {
        Name::Oci
    }

    fn tell(&self, wanted: &Wanted<'_>) -> Result<Option<Facts>, Trouble> {
        let configuration = match wanted.runtime {
            Some(Runtime::Containerd) => self.containerd(containerd_namespace(wanted.cgroup), wanted.id)?,
            Some(Runtime::CriO) => self.crio(wanted.id)?,
            _ => return Ok(None),
        };
        let mut facts = configuration.facts(wanted.id);
        if wanted.runtime == Some(Runtime::Containerd) && facts.scope == Some(Scope::Container) {
            facts.started = self.started(wanted.id);
        }
        Ok(Some(facts))
    }
}

/// What containerd's CRI plugin writes when it starts a container, and when that ends.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Status {
    /// In nanoseconds of Unix time; 0 before the start.
    #[serde(default)]
    started_at: i64,
}

impl Status {
    fn started(&self) -> Option<SystemTime> {
        let nanos = u64::try_from(self.started_at).ok().filter(|nanos| *nanos != 0)?;
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_nanos(nanos))
    }
}

/// The part of `config.json` that is of use here. Both runtimes write it before they create the container's cgroup.
#[derive(Debug, Default, Deserialize)]
struct Configuration {
    #[serde(default)]
    annotations: Option<Annotations>,
}

#[derive(Debug, Default, Deserialize)]
struct Annotations {
    // containerd's.
    #[serde(rename = "io.kubernetes.cri.container-type")]
    kind: Option<String>,
    #[serde(rename = "io.kubernetes.cri.container-name")]
    name: Option<String>,
    #[serde(rename = "io.kubernetes.cri.image-name")]
    image: Option<String>,
    #[serde(rename = "io.kubernetes.cri.sandbox-name")]
    pod: Option<String>,
    #[serde(rename = "io.kubernetes.cri.sandbox-namespace")]
    namespace: Option<String>,
    #[serde(rename = "io.kubernetes.cri.sandbox-uid")]
    uid: Option<String>,
    // CRI-O's, with the labels that the kubelet gave, which CRI-O adds to the annotations.
    #[serde(rename = "io.kubernetes.cri-o.ContainerType")]
    crio_kind: Option<String>,
    #[serde(rename = "io.kubernetes.container.name")]
    crio_name: Option<String>,
    #[serde(rename = "io.kubernetes.cri-o.ImageName")]
    crio_image: Option<String>,
    #[serde(rename = "io.kubernetes.cri-o.ImageRef")]
    crio_image_id: Option<String>,
    #[serde(rename = "io.kubernetes.pod.name")]
    crio_pod: Option<String>,
    #[serde(rename = "io.kubernetes.pod.namespace")]
    crio_namespace: Option<String>,
    #[serde(rename = "io.kubernetes.pod.uid")]
    crio_uid: Option<String>,
}

impl Configuration {
    fn facts(self, id: &str) -> Facts {
        let Annotations {
            kind,
            name,
            image,
            pod,
            namespace,
            uid,
            crio_kind,
            crio_name,
            crio_image,
            crio_image_id,
            crio_pod,
            crio_namespace,
            crio_uid,
        } = self.annotations.unwrap_or_default();
        // Labels that a kubelet gives mean nothing on a container that was not made for one.
        let Some(kind) = kind.or(crio_kind) else { return Facts::default() };
        let facts = Facts {
            pod: either(pod, crio_pod),
            namespace: either(namespace, crio_namespace),
            pod_uid: either(uid, crio_uid),
            ..Facts::default()
        };
        if kind == "sandbox" {
            return Facts { scope: Some(Scope::Pod), ..facts };
        }
        Facts {
            scope: Some(Scope::Container),
            container_id: id.to_owned(),
            container: either(name, crio_name),
            image: either(image, crio_image),
            image_id: crio_image_id.unwrap_or_default(),
            ..facts
        }
    }
}

/// The first value that says something.
fn either(first: Option<String>, second: Option<String>) -> String {
    first.filter(|value| !value.is_empty()).or(second).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const SANDBOX: &str = "66bd777d2fbce568c2e4d2a66d178048a0ef378557eafe08a42633bb246cd91b";
    const MAIN: &str = "43eef329842341f766ea21e896401deff889dbd0d6a55b42fedad43fdc9fea35";
    const MOBY: &str = "5850787cd69dc3b6f48c827f67c6aca768d81fcd8843e4eb3a9651792b3afdc1";
    const CRIO_SANDBOX: &str = "9f3c1d5e7a9b0c2d4e6f8091a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5";
    const CRIO_MAIN: &str = "1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f00f";

    const POD: &str = "/kubepods/besteffort/pod11111111-2222-3333-4444-555555555555";

    fn files(root: &Path) -> OciFiles {
        let roots = Roots { run: "/run".into(), lib: "/lib".into(), ..Roots::below(root, "/nonexistent".into()) };
        OciFiles::new(&roots)
    }

    fn real() -> OciFiles {
        files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/identity"))
    }

    fn told(files: &OciFiles, runtime: Runtime, cgroup: &str, id: &str) -> Result<Option<Facts>, Reason> {
        files
            .tell(&Wanted { runtime: Some(runtime), id, cgroup, since: std::time::Instant::now() })
            .map_err(|trouble| trouble.reason)
    }

    fn containerd(id: &str) -> Facts {
        told(&real(), Runtime::Containerd, POD, id).expect("a configuration").expect("facts")
    }

    fn crio(id: &str) -> Facts {
        told(&real(), Runtime::CriO, POD, id).expect("a configuration").expect("facts")
    }

    /// On a real containerd 1.6.
    #[test]
    fn names_a_containerd_container() {
        assert_eq!(
            containerd(MAIN),
            Facts {
                scope: Some(Scope::Container),
                container_id: MAIN.to_owned(),
                container: "main".to_owned(),
                pod: "web-0".to_owned(),
                namespace: "shop".to_owned(),
                pod_uid: "11111111-2222-3333-4444-555555555555".to_owned(),
                image: "registry.local/busybox:1".to_owned(),
                started: SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(1_795_200_165_250)),
                ..Facts::default()
            }
        );
    }

    #[test]
    fn gives_a_containerd_sandbox_to_its_pod() {
        assert_eq!(
            containerd(SANDBOX),
            Facts {
                scope: Some(Scope::Pod),
                pod: "web-0".to_owned(),
                namespace: "shop".to_owned(),
                pod_uid: "11111111-2222-3333-4444-555555555555".to_owned(),
                ..Facts::default()
            }
        );
    }

    #[test]
    fn learns_nothing_without_annotations() {
        assert_eq!(containerd(MOBY), Facts::default());
        for text in ["{}", r#"{"annotations":null}"#, r#"{"annotations":{"io.kubernetes.pod.name":"x"}}"#] {
            let configuration: Configuration = serde_json::from_str(text).expect("a configuration");
            assert_eq!(configuration.facts("id"), Facts::default());
        }
    }

    #[test]
    fn keeps_to_the_namespace_that_is_known() {
        let told = |files: &OciFiles, cgroup: &str| {
            told(files, Runtime::Containerd, cgroup, MAIN).map(|facts| facts.is_some())
        };
        assert_eq!(told(&real(), &format!("/k8s.io/{MAIN}")), Ok(true));
        assert_eq!(told(&real(), &format!("/default/{MAIN}")), Err(Reason::Missing));
        assert_eq!(told(&files(Path::new("/nonexistent")), POD), Err(Reason::Missing));
    }

    #[test]
    fn names_a_crio_container() {
        assert_eq!(
            crio(CRIO_MAIN),
            Facts {
                scope: Some(Scope::Container),
                container_id: CRIO_MAIN.to_owned(),
                container: "db".to_owned(),
                pod: "db-0".to_owned(),
                namespace: "shop".to_owned(),
                pod_uid: "22222222-3333-4444-5555-666666666666".to_owned(),
                image: "registry.local/db:1".to_owned(),
                image_id: "cd".repeat(32),
                ..Facts::default()
            }
        );
    }

    #[test]
    fn gives_a_crio_sandbox_to_its_pod() {
        assert_eq!(
            crio(CRIO_SANDBOX),
            Facts {
                scope: Some(Scope::Pod),
                pod: "db-0".to_owned(),
                namespace: "shop".to_owned(),
                pod_uid: "22222222-3333-4444-5555-666666666666".to_owned(),
                ..Facts::default()
            }
        );
    }

    #[test]
    fn knows_containers_of_these_runtimes_only() {
        for runtime in [Runtime::Docker, Runtime::Podman, Runtime::Lxc, Runtime::Nspawn] {
            assert_eq!(told(&real(), runtime, POD, MAIN), Ok(None));
        }
        let nobody = Wanted { runtime: None, id: "", cgroup: "/system.slice", since: std::time::Instant::now() };
        assert_eq!(real().tell(&nobody).expect("an answer"), None);
    }

    #[test]
    fn survives_what_is_no_state() {
        let root = tempfile::tempdir().expect("a directory");
        let files = files(root.path());
        let task = root.path().join("run/containerd/io.containerd.runtime.v2.task/k8s.io").join(MAIN);
        let status = root.path().join("lib/containerd/io.containerd.grpc.v1.cri/containers").join(MAIN);
        fs::create_dir_all(&task).expect("a directory");
        fs::create_dir_all(&status).expect("a directory");
        let annotation = "x".repeat(10 << 20);
        for text in [r#"{"annotations":"#, "7", &format!(r#"{{"annotations":{{"a":"{annotation}"}}}}"#)] {
            fs::write(task.join("config.json"), text).expect("a file");
            assert_eq!(told(&files, Runtime::Containerd, POD, MAIN), Err(Reason::Malformed), "{text:.20}");
        }
        let kind = r#"{"annotations":{"io.kubernetes.cri.container-type":"container"}}"#;
        fs::write(task.join("config.json"), kind).expect("a file");
        for text in [r#"{"StartedAt":"#, r#"{"StartedAt":0}"#, r#"{"StartedAt":-5}"#, r#"{"StartedAt":"x"}"#, "{}"] {
            fs::write(status.join("status"), text).expect("a file");
            let facts = told(&files, Runtime::Containerd, POD, MAIN).expect("facts").expect("facts");
            assert_eq!((facts.container_id.as_str(), facts.started), (MAIN, None), "{text}");
        }
    }
}
