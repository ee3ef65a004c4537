//! What the OCI configuration of a container tells, as containerd and CRI-O write it for a kubelet.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{
    Identity, Scope,
    failures::Reason,
    set,
    state_file::{StateFileError, read_json},
};

/// The containerd namespaces that are searched for a container whose path does not tell its own.
const NAMESPACES: usize = 32;

/// The part of `config.json` that is of use here. Both runtimes write it before they create the container's cgroup.
#[derive(Debug, Default, Deserialize)]
pub(super) struct OciContainer {
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

/// Reads the configuration of a containerd container; `namespace` is containerd's, if it is known.
pub(super) fn read_containerd(run: &Path, namespace: Option<&str>, id: &str) -> Result<OciContainer, StateFileError> {
    let mut paths = Vec::new();
    for state in ["containerd", "k3s/containerd"] {
        let tasks = run.join(state).join("io.containerd.runtime.v2.task");
        match namespace {
            Some(namespace) => paths.push(tasks.join(namespace)),
            None => paths.extend(namespaces(&tasks)),
        }
    }
    read_first(run, paths.into_iter().map(|namespace| namespace.join(id).join("config.json")))
}

/// Reads the configuration of a CRI-O container.
pub(super) fn read_crio(run: &Path, lib: &Path, id: &str) -> Result<OciContainer, StateFileError> {
    let paths =
        [run, lib].map(|root| root.join("containers/storage/overlay-containers").join(id).join("userdata/config.json"));
    read_first(run, paths)
}

/// The first file that is there.
fn read_first(root: &Path, paths: impl IntoIterator<Item = PathBuf>) -> Result<OciContainer, StateFileError> {
    let mut missing = None;
    for path in paths {
        match read_json(&path) {
            Err(error) if error.reason() == Reason::Missing => missing = Some(error),
            outcome => return outcome,
        }
    }
    Err(missing.unwrap_or_else(|| {
        let source = io::Error::from(io::ErrorKind::NotFound);
        StateFileError::Open { path: root.to_owned(), source }
    }))
}

/// The directories of containerd's namespaces, the kubelet's first.
fn namespaces(tasks: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(tasks) else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries.flatten().take(NAMESPACES).map(|entry| entry.path()).collect();
    found.sort_by_key(|path| !path.ends_with("k8s.io"));
    found
}

impl OciContainer {
    /// Adds what the annotations say to what the path told.
    pub(super) fn describe(self, identity: &mut Identity) {
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
        let Some(kind) = kind.as_deref().or(crio_kind.as_deref()) else { return };
        set(&mut identity.pod, [pod, crio_pod]);
        set(&mut identity.namespace, [namespace, crio_namespace]);
        set(&mut identity.pod_uid, [uid, crio_uid]);
        if kind == "sandbox" {
            identity.scope = Scope::Pod;
            identity.container_id.clear();
            identity.container.clear();
            return;
        }
        set(&mut identity.container, [name, crio_name]);
        set(&mut identity.image, [image, crio_image]);
        set(&mut identity.image_id, [crio_image_id]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SANDBOX: &str = "66bd777d2fbce568c2e4d2a66d178048a0ef378557eafe08a42633bb246cd91b";
    const MAIN: &str = "43eef329842341f766ea21e896401deff889dbd0d6a55b42fedad43fdc9fea35";
    const MOBY: &str = "5850787cd69dc3b6f48c827f67c6aca768d81fcd8843e4eb3a9651792b3afdc1";
    const CRIO_SANDBOX: &str = "9f3c1d5e7a9b0c2d4e6f8091a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5";
    const CRIO_MAIN: &str = "1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f00f";

    fn fixtures(root: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/identity").join(root)
    }

    fn described(container: OciContainer) -> Identity {
        let mut identity = Identity { scope: Scope::Container, container_id: "id".to_owned(), ..Identity::default() };
        container.describe(&mut identity);
        identity
    }

    fn containerd(id: &str) -> Identity {
        described(read_containerd(&fixtures("run"), None, id).expect("a configuration"))
    }

    fn crio(id: &str) -> Identity {
        described(read_crio(&fixtures("run"), &fixtures("lib"), id).expect("a configuration"))
    }

    /// On a real containerd 1.6.
    #[test]
    fn names_a_containerd_container() {
        assert_eq!(
            containerd(MAIN),
            Identity {
                scope: Scope::Container,
                container_id: "id".to_owned(),
                container: "main".to_owned(),
                pod: "web-0".to_owned(),
                namespace: "shop".to_owned(),
                pod_uid: "11111111-2222-3333-4444-555555555555".to_owned(),
                image: "registry.local/busybox:1".to_owned(),
                ..Identity::default()
            }
        );
    }

    #[test]
    fn gives_a_containerd_sandbox_to_its_pod() {
        assert_eq!(
            containerd(SANDBOX),
            Identity {
                scope: Scope::Pod,
                pod: "web-0".to_owned(),
                namespace: "shop".to_owned(),
                pod_uid: "11111111-2222-3333-4444-555555555555".to_owned(),
                ..Identity::default()
            }
        );
    }

    #[test]
    fn learns_nothing_without_annotations() {
        let bare = Identity { scope: Scope::Container, container_id: "id".to_owned(), ..Identity::default() };
        assert_eq!(containerd(MOBY), bare);
        for text in ["{}", r#"{"annotations":null}"#, r#"{"annotations":{"io.kubernetes.pod.name":"x"}}"#] {
            assert_eq!(described(serde_json::from_str(text).expect("a configuration")), bare);
        }
    }

    #[test]
    fn keeps_to_the_namespace_that_is_known() {
        let run = fixtures("run");
        assert!(read_containerd(&run, Some("k8s.io"), MAIN).is_ok());
        let error = read_containerd(&run, Some("default"), MAIN).expect_err("no such container");
        assert_eq!(error.reason(), Reason::Missing);
        let error = read_containerd(Path::new("/nonexistent"), None, MAIN).expect_err("no such directory");
        assert_eq!(error.reason(), Reason::Missing);
    }

    #[test]
    fn names_a_crio_container() {
        assert_eq!(
            crio(CRIO_MAIN),
            Identity {
                scope: Scope::Container,
                container_id: "id".to_owned(),
                container: "db".to_owned(),
                pod: "db-0".to_owned(),
                namespace: "shop".to_owned(),
                pod_uid: "22222222-3333-4444-5555-666666666666".to_owned(),
                image: "registry.local/db:1".to_owned(),
                image_id: "cd".repeat(32),
                ..Identity::default()
            }
        );
    }

    #[test]
    fn gives_a_crio_sandbox_to_its_pod() {
        assert_eq!(
            crio(CRIO_SANDBOX),
            Identity {
                scope: Scope::Pod,
                pod: "db-0".to_owned(),
                namespace: "shop".to_owned(),
                pod_uid: "22222222-3333-4444-5555-666666666666".to_owned(),
                ..Identity::default()
            }
        );
    }
}
