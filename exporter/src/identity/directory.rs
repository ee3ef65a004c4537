//! The index of known cgroups and of whose they are.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    sync::Arc,
    time::{Instant, SystemTime},
};

use super::{
    CgroupId, Identity,
    paths::{Located, locate},
    resolve::{Resolved, Resolver},
};

/// A known cgroup.
#[derive(Clone, Debug)]
pub struct Cgroup {
    /// Its id.
    pub id: CgroupId,
    /// Its path from the root of the hierarchy.
    pub path: Arc<str>,
    /// Whose it is: what was known when it was first seen. Cgroups of one container share it.
    pub identity: Arc<Identity>,
    /// Whether it is a container's own cgroup, which comes and goes with the container.
    pub own: bool,
    /// When it was created; for a container that was there before, when that started as far as can be told.
    pub started: Option<SystemTime>,
    /// When it was removed.
    pub removed_at: Option<Instant>,
}

/// How the directory and the file system differed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Cgroups that were not known and now are, parents first.
    pub added: Vec<CgroupId>,
    /// Cgroups that are gone without having been marked as removed.
    pub missing: Vec<CgroupId>,
}

/// The known cgroups. One that was removed stays until it is forgotten.
#[derive(Debug)]
pub struct Directory {
    resolver: Resolver,
    cgroups: HashMap<CgroupId, Cgroup>,
    /// The cgroup seen last at a path: a container that starts again gets a new cgroup at its old path.
    latest: HashMap<Arc<str>, CgroupId>,
    host: Arc<Identity>,
}

impl Directory {
    /// An empty directory.
    #[must_use]
    pub fn new(resolver: Resolver) -> Self {
        Self { resolver, cgroups: HashMap::new(), latest: HashMap::new(), host: Arc::default() }
    }

    /// What resolves the identities.
    #[must_use]
    pub fn resolver(&self) -> &Resolver {
        &self.resolver
    }

    /// Makes a cgroup known. `started` is when it was created, or `None` for one that was there before.
    ///
    /// What is known already stays as it is: an identity is settled at first sight.
    pub fn insert(&mut self, id: CgroupId, path: &str, started: Option<SystemTime>) -> &Cgroup {
        let Self { resolver, cgroups, latest, host } = self;
        // Looked up before the entry borrows the map.
        let located = if cgroups.contains_key(&id) { None } else { locate(path) };
        let shared = located.as_ref().and_then(|located| share(cgroups, latest, located, path));
        match cgroups.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) => {
                let (identity, own, told) = match (shared, located) {
                    (Some(identity), _) => (identity, false, None),
                    (None, None) => (Arc::clone(host), false, None),
                    (None, Some(located)) => {
                        let Resolved { identity, own, started } = resolver.resolve_located(path, &located);
                        (Arc::new(identity), own, started)
                    }
                };
                let started = started.or_else(|| {
                    let first_process = || resolver.first_process(path, SystemTime::now());
                    if own { told.or_else(first_process) } else { None }
                });
                let path: Arc<str> = path.into();
                latest.insert(Arc::clone(&path), id);
                free.insert(Cgroup { id, path, identity, own, started, removed_at: None })
            }
        }
    }

    /// Marks a cgroup as removed, at the first call; returns whether it was known and there.
    pub fn removed(&mut self, id: CgroupId, at: Instant) -> bool {
        let present = self.cgroups.get_mut(&id).filter(|cgroup| cgroup.removed_at.is_none());
        present.map(|cgroup| cgroup.removed_at = Some(at)).is_some()
    }

    /// Drops a cgroup and returns what was known of it.
    pub fn forget(&mut self, id: CgroupId) -> Option<Cgroup> {
        let cgroup = self.cgroups.remove(&id)?;
        if self.latest.get(&cgroup.path) == Some(&id) {
            self.latest.remove(&cgroup.path);
        }
        Some(cgroup)
    }

    /// A known cgroup.
    #[must_use]
    pub fn get(&self, id: CgroupId) -> Option<&Cgroup> {
        self.cgroups.get(&id)
    }

    /// All known cgroups, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Cgroup> {
        self.cgroups.values()
    }

    /// How many cgroups are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cgroups.len()
    }

    /// Whether no cgroup is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cgroups.is_empty()
    }

    /// Brings the directory up to a walk of the hierarchy that began after the latest insertion.
    ///
    /// Inserts what is not known. Does not mark what is missing as removed: that is the caller's, with what follows.
    pub fn reconcile(&mut self, walked: &[(CgroupId, String)]) -> Reconciled {
        let present: HashSet<CgroupId> = walked.iter().map(|(id, _)| *id).collect();
        let gone = |cgroup: &&Cgroup| cgroup.removed_at.is_none() && !present.contains(&cgroup.id);
        let mut missing: Vec<CgroupId> = self.iter().filter(gone).map(|cgroup| cgroup.id).collect();
        missing.sort_unstable();

        let mut added = Vec::new();
        for (id, path) in walked {
            if !self.cgroups.contains_key(id) {
                self.insert(*id, path, None);
                added.push(*id);
            }
        }
        Reconciled { added, missing }
    }
}

/// The identity of the container or pod that the cgroup at `path` is nested in, if that is known.
///
/// Found again this way also when the runtime's files about the container are gone.
fn share(
    cgroups: &HashMap<CgroupId, Cgroup>,
    latest: &HashMap<Arc<str>, CgroupId>,
    located: &Located,
    path: &str,
) -> Option<Arc<Identity>> {
    if located.is_own(path) {
        return None;
    }
    let owner = cgroups.get(latest.get(located.root(path))?)?;
    Some(Arc::clone(&owner.identity))
}

#[cfg(test)]
mod tests;
