//! The state directories of runc and crun, for containers that no engine runs: the paths of their cgroups tell nothing.

mod directory;

use std::{
    cell::RefCell,
    collections::HashMap,
    path::PathBuf,
    time::{Duration, Instant},
};

use self::directory::StateDirectory;
use super::{
    Runtime, Scope,
    facts::Facts,
    failures::Source as Name,
    roots::Roots,
    source::{Source, Trouble, Wanted},
    state_file::{Stamp, StateFileError, Tree},
    users::slice_owner,
};

/// How long what was found is taken as current. Many cgroups are asked for at once.
const FRESH: Duration = Duration::from_millis(1);
/// How much longer than a look takes the next one is put off, so that no state directory takes up all of the time.
const REST: u32 = 10;
/// How many users' state directories are looked into.
const USERS: usize = 1024;
/// How many failures are kept until somebody asks.
const FAILURES: usize = 16;

/// The state directories of runc and crun: root's, and those of users who run their own.
#[derive(Debug)]
pub(super) struct RuncState(RefCell<Index>);

#[derive(Debug)]
struct Index {
    tree: Tree,
    run: PathBuf,
    hierarchy: Option<PathBuf>,
    /// When the last look began.
    looked: Option<Instant>,
    /// When to look again.
    next: Option<Instant>,
    users: Option<Stamp>,
    /// Root's first.
    directories: Vec<StateDirectory>,
    /// Directory and id of the container with a cgroup.
    by_cgroup: HashMap<String, (usize, String)>,
    failures: Vec<StateFileError>,
}

impl RuncState {
    /// The state directories in the usual places.
    pub(super) fn new(roots: &Roots) -> Self {
        let Roots { tree, run, .. } = roots;
        let directories = state_directories(run.clone(), None);
        Self(RefCell::new(Index {
            tree: tree.clone(),
            run: run.clone(),
            hierarchy: roots.hierarchy(),
            looked: None,
            next: None,
            users: None,
            directories: directories.into(),
            by_cgroup: HashMap::new(),
            failures: Vec::new(),
        }))
    }
}

impl Source for RuncState {
    fn name(&self) -> Name {
        Name::Runc
    }

    fn tell(&self, wanted: &Wanted<'_>) -> Result<Option<Facts>, Trouble> {
        // The name that somebody gave a container may look like an id of docker's, and its cgroup then like one of docker's.
        if !matches!(wanted.runtime, None | Some(Runtime::Docker)) {
            return Ok(None);
        }
        let mut index = self.0.borrow_mut();
        if index.next.is_none_or(|next| Instant::now() >= next) {
            index.look();
        }
        if let Some(facts) = index.find(wanted.cgroup) {
            return Ok(Some(facts));
        }
        if wanted.runtime.is_some() {
            return Ok(None);
        }
        // What was made since then is not known yet.
        if index.looked.is_none_or(|looked| looked < wanted.since) {
            return Err(index.tree.missing(&index.run).into());
        }
        match index.failures.pop() {
            Some(error) => Err(error.into()),
            // The runtime makes the cgroup first and then writes whose it is.
            None => match index.directories.iter().find_map(StateDirectory::is_being_written) {
                Some(path) => Err(index.tree.missing(&path).into()),
                None => Ok(None),
            },
        }
    }
}

/// The state directories of both runtimes in a directory.
fn state_directories(parent: PathBuf, user: Option<u32>) -> [StateDirectory; 2] {
    [Runtime::Runc, Runtime::Crun].map(|runtime| StateDirectory::new(parent.join(runtime.name()), runtime, user))
}

impl Index {
    fn find(&self, cgroup: &str) -> Option<Facts> {
        let (directory, id) = self.by_cgroup.get(cgroup.trim_matches('/'))?;
        let directory = self.directories.get(*directory)?;
        Some(Facts {
            scope: Some(Scope::Container),
            runtime: Some(directory.runtime),
            container_id: id.clone(),
            container: id.clone(),
            started: directory.started(id),
            ..Facts::default()
        })
    }

    /// Finds what changed.
    fn look(&mut self) {
        let begun = Instant::now();
        self.looked = Some(begun);
        let mut failures = Vec::new();
        let mut is_changed = self.look_for_users(&mut failures);
        for directory in &mut self.directories {
            is_changed |= directory.look(&self.tree, self.hierarchy.as_deref(), &mut failures);
        }
        if is_changed {
            self.by_cgroup.clear();
            for (at, directory) in self.directories.iter().enumerate() {
                for (id, cgroup) in directory.containers() {
                    // What a user writes counts in the user's own slice only.
                    if directory.user.is_none_or(|user| slice_owner(cgroup) == Some(user)) {
                        self.by_cgroup.entry(cgroup.to_owned()).or_insert_with(|| (at, id.to_owned()));
                    }
                }
            }
        }
        self.failures.extend(failures);
        self.failures.truncate(FAILURES);
        self.next = Some(Instant::now() + FRESH.max(begun.elapsed() * REST));
    }

    /// Finds the users who have directories for their state. Says whether they are others than before.
    fn look_for_users(&mut self, failures: &mut Vec<StateFileError>) -> bool {
        let path = self.run.join("user");
        let stamp = self.tree.stamp(&path).ok();
        if matches!((self.users, stamp), (Some(users), Some(stamp)) if users.is_still(stamp)) {
            return false;
        }
        let (names, is_whole) = self.tree.names(&path).unwrap_or_else(|_| (Vec::new(), true));
        if !is_whole {
            failures.push(self.tree.too_many(&path));
        }
        self.users = stamp;
        let users: Vec<u32> = names.iter().filter_map(|name| name.parse().ok()).take(USERS).collect();
        let count = self.directories.len();
        self.directories.retain(|directory| directory.user.is_none_or(|user| users.contains(&user)));
        // A user who comes changes nothing until there is state. After one who goes, the others move up.
        let is_gone = self.directories.len() < count;
        for user in users {
            if !self.directories.iter().any(|directory| directory.user == Some(user)) {
                self.directories.extend(state_directories(path.join(user.to_string()), Some(user)));
            }
        }
        is_gone
    }
}

#[cfg(test)]
mod tests;
