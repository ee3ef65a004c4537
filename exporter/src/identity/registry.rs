//! Whose cgroups are, for readers on other threads than the one that finds it out.

use std::{
    collections::HashMap,
    fmt::Debug,
    sync::{Arc, PoisonError, RwLock},
};

use super::{CgroupId, Identity, user_names::Users};

/// What is known of a cgroup.
#[derive(Clone, Debug)]
pub struct Known {
    /// Its path from the root of the hierarchy.
    pub path: Arc<str>,
    /// Whose it is.
    pub identity: Arc<Identity>,
    /// Whether nothing more is expected soon.
    pub is_settled: bool,
    /// Whether it was removed. Events of it may still follow, until nothing is known of it any more.
    pub is_removed: bool,
    /// The users of whoever it is; nothing where nobody asks for their names.
    pub users: Option<Arc<Users>>,
}

/// Someone who is told of every change.
pub trait Watcher: Debug + Send + Sync {
    /// What is known of a cgroup is this now; nothing once it is gone.
    fn changed(&self, id: CgroupId, known: Option<&Known>);
}

/// The known cgroups, by id.
#[derive(Debug, Default)]
pub struct Registry {
    cgroups: RwLock<HashMap<CgroupId, Known>>,
    watchers: RwLock<Vec<Box<dyn Watcher>>>,
}

impl Registry {
    /// What is known of a cgroup.
    #[must_use]
    pub fn get(&self, id: CgroupId) -> Option<Known> {
        self.cgroups.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    /// Has someone told of every change from now on.
    pub fn watch(&self, watcher: impl Watcher + 'static) {
        self.watchers.write().unwrap_or_else(PoisonError::into_inner).push(Box::new(watcher));
    }

    pub(crate) fn set(&self, id: CgroupId, known: Known) {
        self.tell(id, Some(&known));
        self.cgroups.write().unwrap_or_else(PoisonError::into_inner).insert(id, known);
    }

    pub(super) fn remove(&self, id: CgroupId) {
        self.tell(id, None);
        self.cgroups.write().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    fn tell(&self, id: CgroupId, known: Option<&Known>) {
        for watcher in &*self.watchers.read().unwrap_or_else(PoisonError::into_inner) {
            watcher.changed(id, known);
        }
    }
}
