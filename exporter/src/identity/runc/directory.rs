//! One state directory: a directory for each container, with a file that names its cgroup.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use serde::Deserialize;

use crate::identity::{
    Runtime,
    failures::Reason,
    state_file::{Stamp, StateFileError, Tree},
};

/// How long after it made a container's directory a runtime may still write the file.
const WRITING: Duration = Duration::from_secs(5);

/// A state directory and what is in it.
#[derive(Debug)]
pub(super) struct StateDirectory {
    path: PathBuf,
    /// Whose state it is.
    pub(super) runtime: Runtime,
    /// The user it belongs to; nothing for root.
    pub(super) user: Option<u32>,
    listed: Option<Stamp>,
    containers: HashMap<String, Container>,
    /// Containers whose file is to be looked at.
    unread: HashSet<String>,
}

/// A container's directory.
#[derive(Debug, Default)]
struct Container {
    /// When it was made, while the file is not there.
    made: Option<SystemTime>,
    /// The file that was read.
    read: Option<Stamp>,
    /// What it told; nothing when it made no sense.
    state: Option<State>,
}

/// What the file tells.
#[derive(Debug)]
struct State {
    /// Without the slashes in front and behind.
    cgroup: String,
    started: Option<SystemTime>,
}

/// The part of runc's `state.json` that is of use here.
#[derive(Debug, Deserialize)]
struct RuncFile {
    /// By controller, with the mount point in front. The empty controller is cgroup v2.
    #[serde(default)]
    cgroup_paths: Option<HashMap<String, String>>,
    #[serde(default)]
    created: Option<String>,
}

/// The part of crun's `status` that is of use here.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct CrunFile {
    #[serde(default)]
    cgroup_path: Option<String>,
    #[serde(default)]
    created: Option<String>,
}

impl StateDirectory {
    /// The state directory of a runtime at a path.
    pub(super) fn new(path: PathBuf, runtime: Runtime, user: Option<u32>) -> Self {
        Self { path, runtime, user, listed: None, containers: HashMap::new(), unread: HashSet::new() }
    }

    /// Containers with a cgroup of their own, and its path without the slashes in front and behind.
    pub(super) fn containers(&self) -> impl Iterator<Item = (&str, &str)> {
        let known = self.containers.iter().filter_map(|(id, container)| Some((id, container.state.as_ref()?)));
        known.map(|(id, state)| (id.as_str(), state.cgroup.as_str())).filter(|(_, cgroup)| !cgroup.is_empty())
    }

    /// When a container started.
    pub(super) fn started(&self, id: &str) -> Option<SystemTime> {
        self.containers.get(id)?.state.as_ref()?.started
    }

    /// The directory of a container whose file may still come.
    pub(super) fn is_being_written(&self) -> Option<PathBuf> {
        let now = SystemTime::now();
        let is_young = |id: &&String| {
            let made = self.containers.get(*id).and_then(|container| container.made);
            made.is_some_and(|made| now.duration_since(made).is_ok_and(|age| age < WRITING))
        };
        self.unread.iter().find(is_young).map(|id| self.path.join(id))
    }

    /// Finds out what changed, with the hierarchy's mount point as the runtime has it. Says whether anything did.
    pub(super) fn look(&mut self, tree: &Tree, hierarchy: Option<&Path>, failures: &mut Vec<StateFileError>) -> bool {
        let mut is_changed = false;
        match tree.stamp(&self.path) {
            Ok(stamp) if self.listed.is_some_and(|listed| listed.is_still(stamp)) => {}
            Ok(stamp) => {
                // Told once; what can be read of it is as good as it was.
                let is_new = self.listed != Some(stamp);
                self.listed = Some(stamp);
                match tree.names(&self.path) {
                    Ok((names, is_whole)) => {
                        is_changed |= self.list(names);
                        failures.extend((is_new && !is_whole).then(|| tree.too_many(&self.path)));
                    }
                    Err(error) => {
                        failures.extend((is_new && error.reason() != Reason::Missing).then_some(error));
                    }
                }
            }
            // Not there, or not for everybody to see.
            Err(_) => {
                is_changed = !self.containers.is_empty();
                self.listed = None;
                self.containers.clear();
                self.unread.clear();
            }
        }
        let unread: Vec<String> = self.unread.iter().cloned().collect();
        for id in unread {
            is_changed |= self.read(&id, tree, hierarchy, failures);
        }
        is_changed
    }

    /// Takes over the names in the directory. Says whether a container is gone.
    fn list(&mut self, names: Vec<String>) -> bool {
        let Self { containers, unread, .. } = self;
        let count = containers.len();
        *unread = names.into_iter().collect();
        containers.retain(|id, _| unread.contains(id));
        let is_gone = containers.len() < count;
        for id in &*unread {
            containers.entry(id.clone()).or_default();
        }
        is_gone
    }

    /// Reads a container's file if it is another one than before. Says whether that told something.
    fn read(&mut self, id: &str, tree: &Tree, hierarchy: Option<&Path>, failures: &mut Vec<StateFileError>) -> bool {
        let Some(container) = self.containers.get_mut(id) else { return false };
        let is_crun = self.runtime == Runtime::Crun;
        let directory = self.path.join(id);
        let path = directory.join(if is_crun { "status" } else { "state.json" });
        let Ok(stamp) = tree.stamp(&path) else {
            container.made = tree.stamp(&directory).ok().and_then(Stamp::modified);
            return container.state.take().is_some();
        };
        container.made = None;
        let before = container.read.replace(stamp);
        let mut is_changed = false;
        if !before.is_some_and(|before| before.is_still(stamp)) {
            let state = if is_crun { read_crun(tree, &path) } else { read_runc(tree, &path, hierarchy) };
            let (state, error) = state.map_or_else(|error| (None, Some(error)), |state| (Some(state), None));
            failures.extend(error.filter(|error| before != Some(stamp) && error.reason() != Reason::Missing));
            is_changed = state.is_some() || container.state.is_some();
            container.state = state;
        }
        if container.state.is_some() {
            self.unread.remove(id);
        }
        is_changed
    }
}

fn read_runc(tree: &Tree, path: &Path, hierarchy: Option<&Path>) -> Result<State, StateFileError> {
    let RuncFile { cgroup_paths, created } = tree.read_json(path)?;
    let cgroup = cgroup_paths.as_ref().and_then(|paths| in_hierarchy(paths.get("")?, hierarchy));
    Ok(State { cgroup: cgroup.unwrap_or_default(), started: time(created) })
}

fn read_crun(tree: &Tree, path: &Path) -> Result<State, StateFileError> {
    let CrunFile { cgroup_path, created } = tree.read_json(path)?;
    let cgroup = cgroup_path.unwrap_or_default().trim_matches('/').to_owned();
    Ok(State { cgroup, started: time(created) })
}

fn time(text: Option<String>) -> Option<SystemTime> {
    humantime::parse_rfc3339(&text?).ok()
}

/// The path in the hierarchy of a path that has the mount point in front.
fn in_hierarchy(path: &str, hierarchy: Option<&Path>) -> Option<String> {
    let usual = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"].map(Path::new);
    let below = hierarchy.into_iter().chain(usual).find_map(|mount| Path::new(path).strip_prefix(mount).ok())?;
    Some(below.to_str()?.trim_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_off_the_mount_point() {
        let (pure, hybrid) = (Some(Path::new("/sys/fs/cgroup")), Some(Path::new("/sys/fs/cgroup/unified")));
        for (path, hierarchy, expected) in [
            ("/sys/fs/cgroup/unified/a/b", hybrid, Some("a/b")),
            ("/sys/fs/cgroup/a/b", pure, Some("a/b")),
            ("/sys/fs/cgroup/unified/a", pure, Some("unified/a")),
            ("/sys/fs/cgroup/unified/a", None, Some("a")),
            ("/sys/fs/cgroup/a/", None, Some("a")),
            ("/mnt/cgroup2/a", Some(Path::new("/mnt/cgroup2")), Some("a")),
            ("/mnt/cgroup2/a", pure, None),
            ("/sys/fs/cgroupx", pure, None),
            ("", pure, None),
        ] {
            assert_eq!(in_hierarchy(path, hierarchy).as_deref(), expected, "{path}");
        }
    }
}
