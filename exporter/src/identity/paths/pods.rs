//! The names of pods' cgroups.

use super::{Above, PodRef, containers::is_hex_id};

/// The pod whose own cgroup has this name.
pub(super) fn pod(name: &str, above: &Above<'_>) -> Option<PodRef> {
    match name.strip_suffix(".slice") {
        Some(slice) => slice_pod(slice),
        None => plain_pod(name, above),
    }
}

/// Whether this is the cgroup that holds the pods of a kubelet, or one of its slices.
pub(super) fn is_root(name: &str) -> bool {
    name == "kubepods"
        || name.strip_suffix(".slice").is_some_and(|slice| slice.split('-').any(|part| part == "kubepods"))
}

/// `kubepods-burstable-pod1111_2222.slice`, perhaps with the names of slices above in front.
///
/// A `-` in a slice's name is a step in the hierarchy, which is why the kubelet writes a uid with `_`.
pub(super) fn slice_pod(slice: &str) -> Option<PodRef> {
    if let Some((_, id)) = slice.rsplit_once("libpod_pod_") {
        return is_hex_id(id).then(|| PodRef { uid: id.to_owned(), qos: "" });
    }
    let mut parts = slice.split('-').skip_while(|part| *part != "kubepods").skip(1);
    let first = parts.next()?;
    let (qos, last) = match class(first) {
        Some(qos) => (qos, parts.next()?),
        None => ("guaranteed", first),
    };
    let uid = last.strip_prefix("pod").filter(|uid| is_uid(uid))?;
    parts.next().is_none().then(|| PodRef { uid: uid.replace('_', "-"), qos })
}

/// `/kubepods/besteffort/pod<uid>` and `/libpod_parent/<id>`.
fn plain_pod(name: &str, above: &Above<'_>) -> Option<PodRef> {
    if above.parent == "libpod_parent" {
        return is_hex_id(name).then(|| PodRef { uid: name.to_owned(), qos: "" });
    }
    if !above.kubepods || above.pod.is_some() {
        return None;
    }
    let qos = if above.parent == "kubepods" { "guaranteed" } else { class(above.parent)? };
    let uid = name.strip_prefix("pod").filter(|uid| is_uid(uid))?;
    Some(PodRef { uid: uid.to_owned(), qos })
}

/// The class of service that has a cgroup of its own.
fn class(name: &str) -> Option<&'static str> {
    ["burstable", "besteffort"].into_iter().find(|class| *class == name)
}

/// Whether this can be a pod's uid: a UUID, or the 32 digits of a static pod.
fn is_uid(uid: &str) -> bool {
    !uid.is_empty() && uid.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}
