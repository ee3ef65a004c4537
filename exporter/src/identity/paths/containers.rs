//! The names of containers' cgroups.

use super::{Above, PodRef, Runtime, pods};

/// A container found in a name.
pub(super) struct Found {
    pub(super) runtime: Runtime,
    pub(super) id: String,
    /// The pod, where the name tells it too.
    pub(super) pod: Option<PodRef>,
}

/// What stands in front of a container's id, in the name of a scope or of a plain directory.
const PREFIXES: [(&str, Runtime); 6] = [
    ("docker", Runtime::Docker),
    ("cri-containerd", Runtime::Containerd),
    ("nerdctl", Runtime::Containerd),
    ("crio", Runtime::CriO),
    ("libpod", Runtime::Podman),
    // Podman puts a container into the unit that started it, when told to (`--cgroups=split`).
    ("libpod-payload", Runtime::Podman),
];

/// Cgroups at the root of the hierarchy that are containerd namespaces: its own default and that of its clients for
/// Kubernetes. Others cannot be told from a parent that somebody chose.
const CONTAINERD_NAMESPACES: [&str; 2] = ["default", "k8s.io"];

/// The container whose own cgroup has this name.
pub(super) fn container(name: &str, above: &Above<'_>) -> Option<Found> {
    let (runtime, id) = if let Some(found) = colons(name) {
        return Some(found);
    } else if let Some(found) = prefixed(name) {
        found
    } else if let Some(id) = ctr(name, above) {
        (Runtime::Containerd, id.to_owned())
    } else if is_hex_id(name) {
        (if above.kubepods { Runtime::Containerd } else { Runtime::Docker }, name.to_owned())
    } else if let Some(id) = lxc(name, above) {
        (Runtime::Lxc, id.to_owned())
    } else {
        (Runtime::Nspawn, nspawn(name, above)?)
    };
    Some(Found { runtime, id, pod: None })
}

/// Whether this is an id as docker, CRI and Podman make them.
pub(in crate::identity) fn is_hex_id(id: &str) -> bool {
    id.len() == 64 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The containerd namespace that the path of a container's own cgroup tells.
pub(in crate::identity) fn containerd_namespace(root: &str) -> Option<&str> {
    let (namespace, _) = root.trim_start_matches('/').split_once('/')?;
    CONTAINERD_NAMESPACES.contains(&namespace).then_some(namespace)
}

/// `docker-<id>.scope`, `libpod-<id>` and their like.
fn prefixed(name: &str) -> Option<(Runtime, String)> {
    let (prefix, id) = name.strip_suffix(".scope").unwrap_or(name).rsplit_once('-')?;
    Some((runtime_of(prefix)?, is_hex_id(id).then(|| id.to_owned())?))
}

/// `kubepods-besteffort-pod<uid>.slice:cri-containerd:<id>`: what a runtime without the systemd driver makes of a
/// path that was meant for it.
fn colons(name: &str) -> Option<Found> {
    let mut parts = name.split(':');
    let (slice, prefix, id) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || !is_hex_id(id) {
        return None;
    }
    let pod = slice.strip_suffix(".slice").and_then(pods::slice_pod);
    Some(Found { runtime: runtime_of(prefix)?, id: id.to_owned(), pod })
}

fn runtime_of(prefix: &str) -> Option<Runtime> {
    PREFIXES.iter().find_map(|(known, runtime)| (*known == prefix).then_some(*runtime))
}

/// `/default/<id>` and `ctr-<id>.scope`: containerd's own clients let a person choose the id.
fn ctr<'a>(name: &'a str, above: &Above<'_>) -> Option<&'a str> {
    let id = match name.strip_prefix("ctr-").and_then(|rest| rest.strip_suffix(".scope")) {
        Some(id) => id,
        None if above.depth == 1 && CONTAINERD_NAMESPACES.contains(&above.parent) => name,
        None => return None,
    };
    is_identifier(id).then_some(id)
}

/// What containerd takes for an id: alphanumeric words joined by single `.`, `_` or `-`.
fn is_identifier(id: &str) -> bool {
    id.len() <= 76
        && id
            .split(['.', '_', '-'])
            .all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// `/lxc.payload.<name>`, and `/lxc/<name>` as Proxmox and old LXC have it.
fn lxc<'a>(name: &'a str, above: &Above<'_>) -> Option<&'a str> {
    match name.strip_prefix("lxc.payload.") {
        Some("") => None,
        None if above.depth == 1 && above.parent == "lxc" => Some(name),
        payload => payload,
    }
}

/// `payload` below the unit of a machine, which is the machine's own part of it: its supervisor is beside it.
fn nspawn(name: &str, above: &Above<'_>) -> Option<String> {
    if name != "payload" {
        return None;
    }
    if above.depth == 0 {
        // Started with `--register=no --keep-unit` from the root: the path does not tell the machine's name.
        return Some(name.to_owned());
    }
    let scope = above.parent.strip_prefix("machine-").and_then(|unit| unit.strip_suffix(".scope"));
    let service = || above.parent.strip_prefix("systemd-nspawn@").and_then(|unit| unit.strip_suffix(".service"));
    scope.or_else(service).map(unescape).filter(|machine| !machine.is_empty())
}

/// Undoes systemd's `\x2d` in a unit's name. What is no valid escape, or no UTF-8 afterwards, stays as it is.
fn unescape(name: &str) -> String {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let code = (first == b'\\')
            .then(|| tail.strip_prefix(b"x")?.get(..2))
            .flatten()
            .and_then(|digits| Some(hex_digit(digits[0])? << 4 | hex_digit(digits[1])?));
        match code {
            Some(byte) => {
                bytes.push(byte);
                rest = &rest[4..];
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| name.to_owned())
}

fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}
