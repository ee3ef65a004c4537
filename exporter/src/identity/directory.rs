//! The index of known cgroups and of whose they are.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    io,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use super::{
    CgroupId, Identity, Scope,
    facts::Merged,
    failures::Source,
    paths::{Located, locate},
    registry::{Known, Registry},
    resolve::{Resolved, Resolver},
    source::Trouble,
    unit,
    user_names::{Follower, Users},
};
use crate::others::Look;

/// How long a cgroup waits for its name. Its counts wait with it: they stay in the maps and lose nothing.
const PATIENCE: Duration = Duration::from_secs(1);

/// A known cgroup.
#[derive(Clone, Debug)]
pub struct Cgroup {
    /// Its id.
    pub id: CgroupId,
    /// Its path from the root of the hierarchy.
    pub path: Arc<str>,
    /// Whose it is, as far as is known. Cgroups of one container share it.
    pub identity: Arc<Identity>,
    /// Whether it is a container's own cgroup, which comes and goes with the container.
    pub own: bool,
    /// When it was created; for a container that was there before, when that started as far as can be told.
    pub started: Option<SystemTime>,
    /// When it was removed.
    pub removed_at: Option<Instant>,
    /// The users of whoever it is; nothing where nobody asks for their names.
    pub users: Option<Arc<Users>>,
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
    /// Cgroups of which more may soon be known, and since when that is waited for.
    open: BTreeMap<CgroupId, Instant>,
    host: Arc<Identity>,
    registry: Arc<Registry>,
    /// Who finds names of users, if somebody asks for them.
    follower: Option<Follower>,
}

impl Directory {
    /// An empty directory.
    #[must_use]
    pub fn new(resolver: Resolver) -> Self {
        Self {
            resolver,
            cgroups: HashMap::new(),
            latest: HashMap::new(),
            open: BTreeMap::new(),
            host: Arc::default(),
            registry: Arc::default(),
            follower: None,
        }
    }

    /// Has names of users found for the cgroups that become known from now on, by as many at a time as look for them.
    ///
    /// # Errors
    ///
    /// When a thread cannot be made.
    pub fn name_users(&mut self, looks: Vec<Box<dyn Look>>) -> io::Result<()> {
        self.follower = Some(Follower::start(self.resolver.roots(), looks)?);
        Ok(())
    }

    /// What resolves the identities.
    #[must_use]
    pub fn resolver(&self) -> &Resolver {
        &self.resolver
    }

    /// What is known, for other threads.
    #[must_use]
    pub fn registry(&self) -> Arc<Registry> {
        Arc::clone(&self.registry)
    }

    /// Makes a cgroup known. `started` is when it was created, or `None` for one that was there before.
    ///
    /// A known cgroup stays as it is.
    pub fn insert(&mut self, id: CgroupId, path: &str, started: Option<SystemTime>) -> &Cgroup {
        self.insert_since(id, path, started, Instant::now())
    }

    /// Makes a cgroup known that was already there at `since`.
    fn insert_since(&mut self, id: CgroupId, path: &str, started: Option<SystemTime>, since: Instant) -> &Cgroup {
        if !self.cgroups.contains_key(&id) {
            let found = self.find(path, since);
            if found.open {
                self.open.insert(id, since);
            } else {
                self.resolver.count(&found.troubles);
            }
            let path: Arc<str> = path.into();
            self.latest.insert(Arc::clone(&path), id);
            let users = self.users(&path, &found, None);
            let Found { identity, own, started: told, .. } = found;
            let started = started.or_else(|| {
                let first_process = || self.resolver.first_process(&path, SystemTime::now());
                if own { told.or_else(first_process) } else { None }
            });
            self.cgroups.insert(id, Cgroup { id, path, identity, own, started, removed_at: None, users });
            self.publish(id);
        }
        &self.cgroups[&id]
    }

    /// Whether more may soon be known of a cgroup.
    #[must_use]
    pub fn is_open(&self, id: CgroupId) -> bool {
        self.open.contains_key(&id)
    }

    /// Whether there are such cgroups.
    #[must_use]
    pub fn has_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// Asks again about cgroups of which more may soon be known. Returns those that are settled now, parents first: nothing
    /// more is expected, or the patience is over.
    pub fn settle(&mut self, now: Instant) -> Vec<CgroupId> {
        let mut waiting: Vec<_> = self.open.iter().map(|(id, since)| (*id, *since + PATIENCE <= now)).collect();
        waiting.sort_by_key(|(id, _)| self.cgroups.get(id).map(|cgroup| cgroup.path.len()));
        waiting.retain(|(id, is_over)| self.look_again(*id, *is_over));
        waiting.into_iter().map(|(id, _)| id).collect()
    }

    /// Settles a cgroup with what is known: it is gone, and nothing more is expected. Says whether it was open.
    pub fn close(&mut self, id: CgroupId) -> bool {
        self.is_open(id) && self.look_again(id, true)
    }

    /// Takes over what sources have learnt about known containers. Returns the cgroups whose identity is another one now,
    /// except those that are still open.
    pub fn learn(&mut self) -> Vec<CgroupId> {
        let news = self.resolver.news();
        if news.is_empty() {
            return Vec::new();
        }
        let is_told_of = |cgroup: &&Cgroup| news.contains(&cgroup.identity.container_id) && !self.is_open(cgroup.id);
        let mut told_of: Vec<_> = self.iter().filter(is_told_of).map(|cgroup| (cgroup.path.len(), cgroup.id)).collect();
        told_of.sort_unstable();
        told_of.into_iter().map(|(_, id)| id).filter(|id| self.renew(*id)).collect()
    }

    /// Asks again about an open cgroup. Says whether it is settled now.
    fn look_again(&mut self, id: CgroupId, is_over: bool) -> bool {
        let Some(path) = self.cgroups.get(&id).map(|cgroup| Arc::clone(&cgroup.path)) else {
            return self.open.remove(&id).is_some();
        };
        let since = self.open.get(&id).copied().unwrap_or_else(Instant::now);
        let found = self.find(&path, since);
        if found.open && !is_over {
            return false;
        }
        self.open.remove(&id);
        self.resolver.count(&found.troubles);
        self.assign(id, found);
        true
    }

    /// Asks again about a settled cgroup. Says whether its identity is another one now.
    fn renew(&mut self, id: CgroupId) -> bool {
        let Some(cgroup) = self.cgroups.get(&id) else { return false };
        let (path, before) = (Arc::clone(&cgroup.path), Arc::clone(&cgroup.identity));
        let found = self.find(&path, Instant::now());
        // What sources once told is still true when they have forgotten it.
        if found.identity == before || found.identity.scope != before.scope || lacks(&found.identity, &before) {
            return false;
        }
        self.assign(id, found);
        true
    }

    fn assign(&mut self, id: CgroupId, found: Found) {
        let users = self.cgroups.get(&id).and_then(|cgroup| self.users(&cgroup.path, &found, Some(cgroup)));
        if let Some(cgroup) = self.cgroups.get_mut(&id) {
            let Found { identity, own, started, .. } = found;
            cgroup.users = users;
            cgroup.identity = identity;
            cgroup.own = own;
            cgroup.started = cgroup.started.or(started);
        }
        self.publish(id);
    }

    /// Tells those who watch of all cgroups once more.
    pub fn tell_again(&self) {
        self.cgroups.keys().for_each(|id| self.publish(*id));
    }

    /// Tells other threads what is known of a cgroup.
    fn publish(&self, id: CgroupId) {
        if let Some(Cgroup { path, identity, users, removed_at, .. }) = self.cgroups.get(&id) {
            let (path, identity, users) = (Arc::clone(path), Arc::clone(identity), users.clone());
            let (is_settled, is_removed) = (!self.is_open(id), removed_at.is_some());
            self.registry.set(id, Known { path, identity, is_settled, is_removed, users });
        }
    }

    /// The users of whoever the cgroup at a path was found to be. `before` is what was known of it.
    fn users(&self, path: &str, found: &Found, before: Option<&Cgroup>) -> Option<Arc<Users>> {
        let follower = self.follower.as_ref()?;
        match found.identity.scope {
            Scope::Host => Some(follower.of_host()),
            Scope::Container if found.own => {
                let before = before.filter(|before| before.own).and_then(|before| before.users.clone());
                Some(before.unwrap_or_else(|| follower.of_container(path)))
            }
            Scope::Container => found.users.clone(),
            Scope::Pod | Scope::Other => None,
        }
    }

    /// Finds out whose the cgroup at a path is, which was already there at `since`.
    fn find(&self, path: &str, since: Instant) -> Found {
        let located = locate(path);
        if let Some(owner) = self.owner(path, located.as_ref()) {
            let (identity, users, open) = (Arc::clone(&owner.identity), owner.users.clone(), self.is_open(owner.id));
            return Found { identity, users, own: false, started: None, open, troubles: Vec::new() };
        }
        let resolved = match &located {
            Some(located) => self.resolver.resolve_located(path, located, since),
            None => self.resolver.resolve_unlocated(path, since),
        };
        let Resolved { merged: Merged { mut identity, started, .. }, own, open, troubles } = resolved;
        if identity.scope == Scope::Host {
            unit::innermost(path).clone_into(&mut identity.unit);
        }
        let identity = if identity == *self.host { Arc::clone(&self.host) } else { Arc::new(identity) };
        Found { identity, users: None, own, started, open, troubles }
    }

    /// The cgroup of the container or pod that the one at `path` is nested in, if that is known.
    ///
    /// Found again this way also when the runtime's files about the container are gone.
    fn owner(&self, path: &str, located: Option<&Located>) -> Option<&Cgroup> {
        match located {
            Some(located) if located.is_own(path) => None,
            Some(located) => self.at(located.root(path)),
            // Where the path tells nothing, a container above it is a runtime's without an engine.
            None => {
                let above = path.match_indices('/').skip(1).filter_map(|(end, _)| self.at(&path[..end]));
                above.into_iter().find(|cgroup| cgroup.own || self.is_open(cgroup.id))
            }
        }
    }

    fn at(&self, path: &str) -> Option<&Cgroup> {
        self.cgroups.get(self.latest.get(path)?)
    }

    /// Marks a cgroup as removed, at the first call; returns whether it was known and there.
    pub fn removed(&mut self, id: CgroupId, at: Instant) -> bool {
        let present = self.cgroups.get_mut(&id).filter(|cgroup| cgroup.removed_at.is_none());
        let is_news = present.map(|cgroup| cgroup.removed_at = Some(at)).is_some();
        if is_news {
            self.publish(id);
        }
        is_news
    }

    /// Drops a cgroup and returns what was known of it.
    pub fn forget(&mut self, id: CgroupId) -> Option<Cgroup> {
        let cgroup = self.cgroups.remove(&id)?;
        self.registry.remove(id);
        self.open.remove(&id);
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

    /// Brings the directory up to a walk of the hierarchy that began at `begun`, after the latest insertion.
    ///
    /// Inserts what is not known. Does not mark what is missing as removed: that is the caller's, with what follows.
    pub fn reconcile(&mut self, walked: &[(CgroupId, String)], begun: Instant) -> Reconciled {
        let present: HashSet<CgroupId> = walked.iter().map(|(id, _)| *id).collect();
        let gone = |cgroup: &&Cgroup| cgroup.removed_at.is_none() && !present.contains(&cgroup.id);
        let mut missing: Vec<CgroupId> = self.iter().filter(gone).map(|cgroup| cgroup.id).collect();
        missing.sort_unstable();

        let mut added = Vec::new();
        for (id, path) in walked {
            if !self.cgroups.contains_key(id) {
                self.insert_since(*id, path, None, begun);
                added.push(*id);
            }
        }
        Reconciled { added, missing }
    }
}

/// Whether an identity lacks something that another one has.
fn lacks(identity: &Identity, other: &Identity) -> bool {
    let fields = |identity: &Identity| {
        let Identity { container_id, container, pod, namespace, image, image_id, .. } = identity;
        [container_id, container, pod, namespace, image, image_id].map(String::is_empty)
    };
    fields(identity).into_iter().zip(fields(other)).any(|(lacking, lacked)| lacking && !lacked)
}

/// Whose a cgroup is.
#[derive(Debug)]
struct Found {
    identity: Arc<Identity>,
    /// The users of the container that it is nested in.
    users: Option<Arc<Users>>,
    own: bool,
    started: Option<SystemTime>,
    open: bool,
    troubles: Vec<(Source, Trouble)>,
}

#[cfg(test)]
mod tests;
