//! Paths of cgroups.

use doubleslit::identity::paths::{Owner, locate};

/// What must hold for every path.
pub(crate) fn check(bytes: &[u8]) {
    let path = String::from_utf8_lossy(bytes);
    let Some(located) = locate(&path) else { return };
    let root = located.root(&path);
    assert!(path.starts_with(root), "{root:?} is the begin of {path:?}");
    assert_eq!(located.root_len, root.len(), "{path:?}");
    assert_eq!(located.is_own(&path), path.trim_end_matches('/') == root, "{path:?}");
    assert!(located.is_own(root), "{root:?} of {path:?}");
    assert_eq!(locate(root).as_ref(), Some(&located), "the owner's own cgroup has the same owner: {path:?}");
    if let Some(pod) = &located.pod {
        assert!(!pod.uid.is_empty(), "{path:?}");
    }
    match &located.owner {
        Owner::Container { id, .. } => {
            assert!(!id.is_empty(), "{path:?}");
            // Whatever a container makes below its cgroup is its own.
            let nested = format!("{path}/docker/lxc.monitor.x/payload");
            assert_eq!(locate(&nested), Some(located), "{path:?}");
        }
        Owner::Pod => assert!(located.pod.is_some(), "{path:?}"),
    }
}
