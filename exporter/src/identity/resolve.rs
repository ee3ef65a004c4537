//! Puts together what is known of a cgroup's owner, from its path and from what runtimes keep on disk.

use std::{error::Error as _, path::PathBuf, time::SystemTime};

use super::{
    Identity, Runtime, Scope, docker,
    failures::{Failures, Reason, Source},
    oci,
    paths::{Located, Owner, containerd_namespace, is_hex_id, locate},
    started::{self, Clock},
    state_file::StateFileError,
};

/// Where things are on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roots {
    /// Docker's data.
    pub docker: PathBuf,
    /// State that a boot clears: containerd's, CRI-O's.
    pub run: PathBuf,
    /// State that outlives a boot: CRI-O's.
    pub lib: PathBuf,
    /// The proc file system.
    pub proc: PathBuf,
    /// The cgroup v2 hierarchy.
    pub cgroup: PathBuf,
}

impl Roots {
    /// The usual places, with the hierarchy at `cgroup`.
    #[must_use]
    pub fn usual(cgroup: PathBuf) -> Self {
        Self {
            docker: "/var/lib/docker".into(),
            run: "/run".into(),
            lib: "/var/lib".into(),
            proc: "/proc".into(),
            cgroup,
        }
    }
}

/// What is known of a cgroup.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolved {
    /// Its owner.
    pub identity: Identity,
    /// Whether it is a container's own cgroup: its creation is the container's start.
    pub own: bool,
    /// When the container started, as its runtime says.
    pub started: Option<SystemTime>,
}

/// Finds the owners of cgroups. Reads local files of bounded size and waits for nothing.
#[derive(Debug)]
pub struct Resolver {
    roots: Roots,
    failures: Failures,
}

impl Resolver {
    /// A resolver that looks in these places.
    #[must_use]
    pub fn new(roots: Roots) -> Self {
        Self { roots, failures: Failures::default() }
    }

    /// What could not be read so far. A failed read leaves what the path says.
    #[must_use]
    pub fn failures(&self) -> &Failures {
        &self.failures
    }

    /// Finds the owner of the cgroup at `path`, counted from the root of the hierarchy.
    #[must_use]
    pub fn resolve(&self, path: &str) -> Resolved {
        locate(path).map(|located| self.resolve_located(path, &located)).unwrap_or_default()
    }

    pub(super) fn resolve_located(&self, path: &str, located: &Located) -> Resolved {
        let mut identity = from_path(located);
        let mut started = None;
        if let Owner::Container { runtime, id } = &located.owner {
            match runtime {
                Runtime::Docker => started = self.ask_docker(id, &mut identity),
                Runtime::Containerd => started = self.ask_containerd(located.root(path), id, &mut identity),
                Runtime::CriO => {
                    let answer = oci::read_crio(&self.roots.run, &self.roots.lib, id);
                    if let Some(container) = self.heard(Source::Oci, answer) {
                        container.describe(&mut identity);
                    }
                }
                Runtime::Podman | Runtime::Lxc | Runtime::Nspawn => {}
            }
        }
        if identity.pod.is_empty() {
            identity.pod.clone_from(&identity.pod_uid);
        }
        let own = identity.scope == Scope::Container && located.is_own(path);
        Resolved { identity, own, started }
    }

    /// When the earliest process of the cgroup at `path` started, to the precision of the kernel's tick.
    #[must_use]
    pub fn first_process(&self, path: &str, now: SystemTime) -> Option<SystemTime> {
        let directory = self.roots.cgroup.join(path.trim_start_matches('/'));
        started::earliest(&directory, &self.roots.proc, Clock::read(&self.roots.proc, now)?)
    }

    fn ask_docker(&self, id: &str, identity: &mut Identity) -> Option<SystemTime> {
        let container = self.heard(Source::Docker, docker::read(&self.roots.docker, id))?;
        let started = container.started();
        container.describe(identity);
        started
    }

    fn ask_containerd(&self, root: &str, id: &str, identity: &mut Identity) -> Option<SystemTime> {
        let answer = oci::read_containerd(&self.roots.run, containerd_namespace(root), id);
        // Docker below a kubelet without the systemd driver has the same paths as containerd.
        if is_missing(&answer)
            && let Ok(container) = docker::read(&self.roots.docker, id)
        {
            let started = container.started();
            container.describe(identity);
            return started;
        }
        self.heard(Source::Oci, answer)?.describe(identity);
        None
    }

    /// Counts a failure and goes on without.
    fn heard<T>(&self, source: Source, answer: Result<T, StateFileError>) -> Option<T> {
        answer
            .inspect_err(|error| {
                self.failures.add(source, error.reason());
                tracing::debug!(source = source.name(), cause = error.source(), "{error}");
            })
            .ok()
    }
}

fn is_missing<T>(answer: &Result<T, StateFileError>) -> bool {
    matches!(answer, Err(error) if error.reason() == Reason::Missing)
}

/// What the path alone tells.
fn from_path(located: &Located) -> Identity {
    let mut identity = Identity::default();
    if let Some(pod) = &located.pod {
        identity.pod_uid.clone_from(&pod.uid);
        identity.qos = pod.qos;
    }
    match &located.owner {
        Owner::Pod => identity.scope = Scope::Pod,
        Owner::Container { runtime, id } => {
            identity.scope = Scope::Container;
            identity.runtime = Some(*runtime);
            identity.container_id.clone_from(id);
            // An id that was not drawn by lot is the name that somebody chose.
            if !is_hex_id(id) {
                identity.container.clone_from(id);
            }
        }
    }
    identity
}

#[cfg(test)]
mod tests;
