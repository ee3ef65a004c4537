//! Which container or pod a cgroup belongs to, read from its path alone.

mod containers;
mod pods;
#[cfg(test)]
mod tests;

pub(super) use self::containers::{containerd_namespace, is_hex_id};
use super::Runtime;

/// What a path says of the owner of a cgroup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// What owns the cgroup.
    pub owner: Owner,
    /// The pod that the cgroup is in.
    pub pod: Option<PodRef>,
    /// Bytes of the path up to the end of the owner's own cgroup; what follows is nested in it.
    pub root_len: usize,
}

/// What owns a cgroup that is not the host's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A container. Its sandbox looks like any other container of a pod here.
    Container {
        /// Its runtime.
        runtime: Runtime,
        /// Its id; its name where the runtime has no ids.
        id: String,
    },
    /// A pod itself.
    Pod,
}

/// A pod as a path names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodRef {
    /// The pod's uid; Podman's pod id.
    pub uid: String,
    /// `guaranteed`, `burstable` or `besteffort`; empty outside Kubernetes.
    pub qos: &'static str,
}

impl Located {
    /// Whether `path` is the owner's own cgroup and not one nested in it.
    #[must_use]
    pub fn is_own(&self, path: &str) -> bool {
        path.get(self.root_len..).is_some_and(|rest| rest.bytes().all(|byte| byte == b'/'))
    }

    /// The path of the owner's own cgroup; `path` is the one that was located.
    #[must_use]
    pub fn root<'a>(&self, path: &'a str) -> &'a str {
        path.get(..self.root_len).unwrap_or(path)
    }
}

/// What the components above the one in hand told.
#[derive(Debug, Default)]
struct Above<'a> {
    depth: usize,
    parent: &'a str,
    kubepods: bool,
    pod: Option<PodRef>,
}

/// Finds the owner of the cgroup at `path`, counted from the root of the hierarchy. `None` is the host.
///
/// The outermost container owns everything below it, so what a container runs in cgroups of its own, be it
/// systemd or another container runtime, is the container's.
#[must_use]
pub fn locate(path: &str) -> Option<Located> {
    let mut above = Above::default();
    let mut pod_len = 0;
    for (name, end) in components(path) {
        if is_monitor(name) {
            return None;
        }
        if let Some(pod) = pods::pod(name, &above) {
            above.pod = Some(pod);
            pod_len = end;
        } else if let Some(found) = containers::container(name, &above) {
            let owner = Owner::Container { runtime: found.runtime, id: found.id };
            return Some(Located { owner, pod: found.pod.or(above.pod), root_len: end });
        }
        above.kubepods |= pods::is_root(name);
        above.parent = name;
        above.depth += 1;
    }
    above.pod.map(|pod| Located { owner: Owner::Pod, pod: Some(pod), root_len: pod_len })
}

/// The names in a path, each with the offset of its end.
fn components(path: &str) -> impl Iterator<Item = (&str, usize)> {
    path.split('/')
        .scan(0, |start, name| {
            let end = *start + name.len();
            *start = end + 1;
            Some((name, end))
        })
        .filter(|(name, _)| !name.is_empty())
}

/// Whether the cgroup holds a runtime's monitor, which watches a container from the host's side.
fn is_monitor(name: &str) -> bool {
    ["crio-conmon-", "libpod-conmon-", "lxc.monitor"].iter().any(|prefix| name.starts_with(prefix))
}
