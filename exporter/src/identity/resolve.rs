//! Puts together what is known of a cgroup's owner, from its path and from what runtimes keep on disk.

use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Instant, SystemTime},
};

use super::{
    Identity, Scope,
    docker::DockerFiles,
    facts::Merged,
    failures::{Failures, Reason, Source as Name},
    oci::OciFiles,
    paths::{Located, Owner, is_hex_id, locate},
    pod_logs::PodLogs,
    podman::PodmanFiles,
    roots::Roots,
    runc::RuncState,
    source::{Source, Trouble, Wanted},
    started::{self, Clock},
};

/// What is known of a cgroup.
#[derive(Debug, Default)]
pub struct Resolved {
    /// Its owner, and who told what of it.
    pub merged: Merged,
    /// Whether it is a container's own cgroup: its creation is the container's start.
    pub own: bool,
    /// Whether a source may soon tell more: it has been asked, or its files are being written.
    pub open: bool,
    /// Why sources told nothing.
    pub troubles: Vec<(Name, Trouble)>,
}

/// Finds the owners of cgroups. Reads local files of bounded size and waits for nothing.
#[derive(Debug)]
pub struct Resolver {
    roots: Roots,
    /// In the order of preference.
    sources: Vec<Box<dyn Source>>,
    failures: Arc<Failures>,
}

impl Resolver {
    /// A resolver that looks for files in these places, and then asks these other sources, which count in the same `failures`.
    #[must_use]
    pub fn new(roots: Roots, others: Vec<Box<dyn Source>>, failures: Arc<Failures>) -> Self {
        let mut sources: Vec<Box<dyn Source>> = vec![
            Box::new(DockerFiles::new(&roots)),
            Box::new(OciFiles::new(&roots)),
            Box::new(PodmanFiles::new(&roots)),
            Box::new(RuncState::new(&roots)),
        ];
        sources.extend(others);
        // The last resort.
        sources.push(Box::new(PodLogs::new(&roots)));
        Self { roots, sources, failures }
    }

    /// What could not be read so far. A failed read leaves what the path says.
    #[must_use]
    pub fn failures(&self) -> &Failures {
        &self.failures
    }

    /// The sources with sockets, and whether all of their sockets answer.
    #[must_use]
    pub fn up(&self) -> BTreeMap<Name, bool> {
        let mut names = BTreeMap::new();
        for source in &self.sources {
            if let Some(is_up) = source.is_up() {
                *names.entry(source.name()).or_insert(true) &= is_up;
            }
        }
        names
    }

    /// The ids of containers that sources know more about than before.
    pub fn news(&mut self) -> HashSet<String> {
        self.sources.iter_mut().flat_map(|source| source.news()).collect()
    }

    /// Finds the owner of the cgroup at `path`, counted from the root of the hierarchy, which was already there at `since`.
    #[must_use]
    pub fn resolve(&self, path: &str, since: Instant) -> Resolved {
        match locate(path) {
            Some(located) => self.resolve_located(path, &located, since),
            None => self.resolve_unlocated(path, since),
        }
    }

    pub(super) fn resolve_located(&self, path: &str, located: &Located, since: Instant) -> Resolved {
        let mut merged = Merged { identity: from_path(located), ..Merged::default() };
        let mut answers = Answers::default();
        let cgroup = located.root(path);
        match &located.owner {
            Owner::Container { runtime, id } => {
                answers = self.ask(&Wanted { runtime: Some(*runtime), id, cgroup, since }, &mut merged);
            }
            // Nobody but the directories of logs knows a pod by its cgroup, and it need not have any.
            Owner::Pod => drop(self.ask(&Wanted { runtime: None, id: "", cgroup, since }, &mut merged)),
        }
        let Merged { identity, .. } = &mut merged;
        if identity.scope == Scope::Pod {
            identity.container_id.clear();
            identity.container.clear();
        } else if identity.container.is_empty() && !is_hex_id(&identity.container_id) {
            // An id that was not drawn by lot is the name that somebody chose.
            identity.container.clone_from(&identity.container_id);
        }
        if identity.pod.is_empty() {
            identity.pod.clone_from(&identity.pod_uid);
        }
        let own = identity.scope == Scope::Container && located.is_own(path);
        let open = answers.asked;
        let mut troubles = answers.troubles;
        if answers.heard {
            // Several may be asked for one container; whose it is not need not know it.
            troubles.retain(|(_, trouble)| trouble.reason != Reason::Missing);
        }
        Resolved { merged, own, open, troubles }
    }

    /// A path that tells no container: a runtime without an engine lets anybody choose the path.
    pub(super) fn resolve_unlocated(&self, path: &str, since: Instant) -> Resolved {
        let mut merged = Merged::default();
        let answers = self.ask(&Wanted { runtime: None, id: "", cgroup: path, since }, &mut merged);
        let own = merged.identity.scope == Scope::Container;
        let open = !own && answers.troubles.iter().any(|(_, trouble)| trouble.reason == Reason::Missing);
        // Nearly all of these are the host's own, of which nobody needs to have heard.
        let mut troubles = answers.troubles;
        troubles.retain(|(_, trouble)| trouble.reason != Reason::Missing);
        Resolved { merged, own, open, troubles }
    }

    fn ask(&self, wanted: &Wanted<'_>, merged: &mut Merged) -> Answers {
        let mut answers = Answers::default();
        for source in &self.sources {
            match source.tell(wanted) {
                Ok(None) => {}
                Ok(Some(facts)) => {
                    answers.heard = true;
                    merged.add(source.name(), facts);
                }
                Err(trouble) => {
                    answers.asked |= trouble.reason == Reason::Missing && source.is_up() == Some(true);
                    answers.troubles.push((source.name(), trouble));
                }
            }
        }
        answers
    }

    /// Counts what sources could not tell, once nothing more is expected.
    pub(super) fn count(&self, troubles: &[(Name, Trouble)]) {
        for (source, trouble) in troubles {
            self.failures.add(*source, trouble.reason);
            tracing::debug!(source = source.name(), cause = trouble.error.source(), "{trouble}");
        }
    }

    /// When the earliest process of the cgroup at `path` started, to the precision of the kernel's tick.
    #[must_use]
    pub fn first_process(&self, path: &str, now: SystemTime) -> Option<SystemTime> {
        started::earliest(&self.directory(path), &self.roots.proc, Clock::read(&self.roots.proc, now)?)
    }

    /// The id of that process.
    #[must_use]
    pub fn first_pid(&self, path: &str) -> Option<u32> {
        started::first(&self.directory(path), &self.roots.proc).map(|first| first.pid)
    }

    /// Where things are.
    pub(super) fn roots(&self) -> &Roots {
        &self.roots
    }

    /// Where the proc file system is mounted.
    #[must_use]
    pub fn proc(&self) -> &Path {
        &self.roots.proc
    }

    fn directory(&self, path: &str) -> PathBuf {
        self.roots.cgroup.join(path.trim_start_matches('/'))
    }
}

/// What asking all sources brought, beside what they told.
#[derive(Debug, Default)]
struct Answers {
    heard: bool,
    /// Whether a runtime is asked and has not answered yet.
    asked: bool,
    troubles: Vec<(Name, Trouble)>,
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
        }
    }
    identity
}

#[cfg(test)]
mod tests;
