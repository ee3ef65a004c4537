//! The names of the directories of pods' logs: the kubelet makes `<namespace>_<pod>_<uid>` for each pod.

use std::{cell::RefCell, collections::HashMap, path::PathBuf};

use super::{
    facts::Facts,
    failures::{Reason, Source as Name},
    paths::locate,
    roots::Roots,
    source::{Source, Trouble, Wanted},
    state_file::{Stamp, StateFileError, Tree},
};

/// The directory of pods' logs.
#[derive(Debug)]
pub(super) struct PodLogs {
    tree: Tree,
    directory: PathBuf,
    listed: RefCell<Option<Listed>>,
}

/// What was in it.
#[derive(Debug)]
struct Listed {
    at: Stamp,
    is_whole: bool,
    /// Namespace and name of a pod, by its uid.
    pods: HashMap<String, (String, String)>,
}

impl PodLogs {
    /// The directory where the kubelet has it.
    pub(super) fn new(roots: &Roots) -> Self {
        Self { tree: roots.tree.clone(), directory: roots.pod_logs.clone(), listed: RefCell::new(None) }
    }

    /// Lists the directory if it changed.
    fn renew(&self, listed: &mut Option<Listed>) -> Result<(), StateFileError> {
        let at = self.tree.stamp(&self.directory)?;
        if listed.as_ref().is_none_or(|listed| !listed.at.is_still(at)) {
            let (names, is_whole) = self.tree.names(&self.directory)?;
            let pods = names.iter().filter_map(|name| pod(name)).collect();
            *listed = Some(Listed { at, is_whole, pods });
        }
        Ok(())
    }
}

impl Source for PodLogs {
    fn name(&self) -> Name {
        Name::PodLogs
    }

    fn tell(&self, wanted: &Wanted<'_>) -> Result<Option<Facts>, Trouble> {
        // Podman has pods too, which have no class of service.
        let Some(pod) = locate(wanted.cgroup).and_then(|located| located.pod).filter(|pod| !pod.qos.is_empty()) else {
            return Ok(None);
        };
        let mut listed = self.listed.borrow_mut();
        match self.renew(&mut listed) {
            // Without a kubelet there is no such directory.
            Err(error) if error.reason() == Reason::Missing => return Ok(None),
            outcome => outcome?,
        }
        let found = listed.as_ref().and_then(|listed| listed.pods.get(&pod.uid));
        match (found, listed.as_ref()) {
            (Some((namespace, name)), _) => Ok(Some(Facts {
                pod: name.clone(),
                namespace: namespace.clone(),
                pod_uid: pod.uid,
                ..Facts::default()
            })),
            (None, Some(Listed { is_whole: false, .. })) => Err(self.tree.too_many(&self.directory).into()),
            (None, _) => Err(self.tree.missing(&self.directory.join(format!("*_{}", pod.uid))).into()),
        }
    }
}

/// A pod's uid, namespace and name from the name of its directory. None of them contains a `_`.
fn pod(directory: &str) -> Option<(String, (String, String))> {
    let mut parts = directory.split('_');
    let (namespace, name, uid) = (parts.next()?, parts.next()?, parts.next()?);
    let is_pod = parts.next().is_none() && [namespace, name, uid].iter().all(|part| !part.is_empty());
    is_pod.then(|| (uid.to_owned(), (namespace.to_owned(), name.to_owned())))
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt as _, path::Path};

    use proptest::prelude::*;

    use super::*;
    use crate::identity::{Runtime, state_file::LIMIT_NAMES};

    const UID: &str = "11111111-2222-3333-4444-555555555555";

    fn logs(root: &Path) -> PodLogs {
        PodLogs::new(&Roots::below(root, "/nonexistent".into()))
    }

    fn told(logs: &PodLogs, cgroup: &str) -> Result<Option<[String; 3]>, Reason> {
        let wanted = Wanted { runtime: Some(Runtime::Containerd), id: "id", cgroup, since: std::time::Instant::now() };
        let facts = logs.tell(&wanted).map_err(|trouble| trouble.reason)?;
        Ok(facts.map(|Facts { pod, namespace, pod_uid, .. }| [pod, namespace, pod_uid]))
    }

    fn make(root: &Path, name: impl AsRef<OsStr>) {
        fs::create_dir_all(root.join("var/log/pods").join(name.as_ref())).expect("a directory");
    }

    fn known() -> Result<Option<[String; 3]>, Reason> {
        Ok(Some(["web-0", "shop", UID].map(str::to_owned)))
    }

    #[test]
    fn names_a_pod() {
        let root = tempfile::tempdir().expect("a directory");
        make(root.path(), format!("shop_web-0_{UID}/main"));
        make(root.path(), "kube-system_etcd-node_0123456789abcdef0123456789abcdef/etcd");
        let logs = logs(root.path());
        let slice = UID.replace('-', "_");
        for cgroup in [
            format!("/kubepods/besteffort/pod{UID}/{}", "a".repeat(64)),
            format!("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{slice}.slice/crio-x.scope"),
            format!("/kubepods/pod{UID}"),
        ] {
            assert_eq!(told(&logs, &cgroup), known(), "{cgroup}");
        }
        let fixed = "0123456789abcdef0123456789abcdef";
        let expected = ["etcd-node", "kube-system", fixed].map(str::to_owned);
        assert_eq!(told(&logs, &format!("/kubepods/burstable/pod{fixed}")), Ok(Some(expected)));
    }

    #[test]
    fn knows_pods_of_a_kubelet_only() {
        let root = tempfile::tempdir().expect("a directory");
        make(root.path(), "a_b_c");
        let logs = logs(root.path());
        assert_eq!(told(&logs, "/system.slice/a.service"), Ok(None));
        assert_eq!(told(&logs, &format!("/libpod_parent/{0}/libpod-{0}", "a".repeat(64))), Ok(None));
        assert_eq!(told(&logs, &format!("/kubepods/pod{UID}")), Err(Reason::Missing));
    }

    #[test]
    fn is_silent_where_there_is_no_kubelet() {
        let root = tempfile::tempdir().expect("a directory");
        let logs = logs(root.path());
        let cgroup = format!("/kubepods/pod{UID}");
        assert_eq!(told(&logs, &cgroup), Ok(None));
        make(root.path(), format!("shop_web-0_{UID}"));
        assert_eq!(told(&logs, &cgroup), known());
    }

    #[test]
    fn passes_over_other_names() {
        let root = tempfile::tempdir().expect("a directory");
        for name in [format!("_{UID}"), UID.to_owned(), format!("a_b_c_{UID}"), format!("__{UID}"), format!("a__{UID}")]
        {
            make(root.path(), name);
        }
        let bytes = [b"shop_w\xff_".as_slice(), UID.as_bytes()].concat();
        make(root.path(), OsStr::from_bytes(&bytes));
        assert_eq!(told(&logs(root.path()), &format!("/kubepods/pod{UID}")), Err(Reason::Missing));
    }

    proptest! {
        #[test]
        fn takes_any_name(name in "([a-z_-]|\\PC){0,40}") {
            let whole = pod(&name).map(|(uid, (namespace, pod))| format!("{namespace}_{pod}_{uid}"));
            prop_assert!(whole.is_none_or(|whole| whole == name));
        }
    }

    #[test]
    fn tells_when_there_are_too_many() {
        let root = tempfile::tempdir().expect("a directory");
        for number in 0..=LIMIT_NAMES {
            make(root.path(), format!("shop_web-0_{number}"));
        }
        assert_eq!(told(&logs(root.path()), &format!("/kubepods/pod{UID}")), Err(Reason::Malformed));
    }
}
