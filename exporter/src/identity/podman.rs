//! What Podman keeps on disk about containers: one list for all containers of a user.

mod store;

use std::{
    cell::RefCell,
    path::{Path, PathBuf},
};

use self::store::Store;
use super::{
    Runtime, Scope,
    facts::Facts,
    failures::Source as Name,
    roots::Roots,
    source::{Source, Trouble, Wanted},
    state_file::{StateFileError, Tree},
    users::{Users, slice_owner},
};

/// Where a user's own storage is in the home.
pub(super) const IN_HOME: &str = ".local/share/containers/storage";

/// Podman's lists of containers: root's, and those of users who run their own.
#[derive(Debug)]
pub(super) struct PodmanFiles(RefCell<Stores>);

#[derive(Debug)]
struct Stores {
    tree: Tree,
    of_root: Vec<Store>,
    users: Users,
    /// The stores of users that were looked into.
    of_users: Vec<(PathBuf, Store)>,
}

impl PodmanFiles {
    /// The lists in the usual places.
    pub(super) fn new(roots: &Roots) -> Self {
        // With the option `transient_store` the list is below `/run`.
        let of_root = [&roots.lib, &roots.run].map(|root| Store::new(root.join("containers/storage")));
        Self(RefCell::new(Stores {
            tree: roots.tree.clone(),
            of_root: of_root.into(),
            users: Users::new(roots.tree.clone(), roots.passwd.clone()),
            of_users: Vec::new(),
        }))
    }
}

impl Source for PodmanFiles {
    fn name(&self) -> Name {
        Name::Podman
    }

    fn tell(&self, wanted: &Wanted<'_>) -> Result<Option<Facts>, Trouble> {
        if wanted.runtime != Some(Runtime::Podman) {
            return Ok(None);
        }
        let mut stores = self.0.borrow_mut();
        let mut failure = None;
        // A user's list counts first in the user's own slice, and nowhere before root's.
        let owner = slice_owner(wanted.cgroup).filter(|uid| *uid != 0);
        let found = match owner {
            Some(uid) => stores
                .ask_users(Some(uid), wanted.id, &mut failure)
                .or_else(|| stores.ask_root(wanted.id, &mut failure)),
            None => {
                stores.ask_root(wanted.id, &mut failure).or_else(|| stores.ask_users(None, wanted.id, &mut failure))
            }
        };
        match (found, failure) {
            (Some(facts), _) => Ok(Some(Facts {
                scope: Some(Scope::Container),
                runtime: Some(Runtime::Podman),
                container_id: wanted.id.to_owned(),
                ..facts
            })),
            (None, Some(error)) => Err(error.into()),
            (None, None) => Err(stores.tree.missing(stores.of_root[0].directory()).into()),
        }
    }
}

impl Stores {
    fn ask_root(&mut self, id: &str, failure: &mut Option<StateFileError>) -> Option<Facts> {
        let Self { tree, of_root, .. } = self;
        of_root.iter_mut().find_map(|store| store.find(tree, id, failure))
    }

    /// Asks the stores of one user, or of all. What is wrong with one is no reason to pass over the others.
    fn ask_users(&mut self, uid: Option<u32>, id: &str, failure: &mut Option<StateFileError>) -> Option<Facts> {
        let Self { tree, users, of_users, .. } = self;
        let homes = users.homes();
        of_users.retain(|(home, _)| homes.iter().any(|(_, known)| known == home));
        let mut homes = homes.iter().filter(|(owner, _)| uid.is_none_or(|uid| uid == *owner));
        homes.find_map(|(_, home)| {
            let part = tree.part(home);
            let known = of_users.iter().position(|(known, _)| known == home);
            let at = known.or_else(|| {
                // Most users have none.
                part.stamp(Path::new(IN_HOME)).ok()?;
                of_users.push((home.clone(), Store::new(IN_HOME.into())));
                Some(of_users.len() - 1)
            })?;
            of_users[at].1.find(&part, id, failure)
        })
    }
}

#[cfg(test)]
mod tests;
