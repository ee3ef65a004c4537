//! Where things are on the machine whose containers are counted.

use std::{
    ops::Range,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use super::{podman, state_file::Tree, users::Users};

/// The users who are people (login.defs(5)).
const PEOPLE: Range<u32> = 1000..65534;

/// Where programs keep what is theirs in a home (file-hierarchy(7)).
const DATA_IN_HOME: &str = ".local/share";

/// Where things are. Paths are those that the machine itself has for them, unless it says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roots {
    /// The machine's file system.
    pub tree: Tree,
    /// Docker's data.
    pub docker: PathBuf,
    /// State that a boot clears: containerd's, CRI-O's, runc's.
    pub run: PathBuf,
    /// State that outlives a boot: containerd's, CRI-O's, Podman's.
    pub lib: PathBuf,
    /// The logs of pods.
    pub pod_logs: PathBuf,
    /// The machine's users.
    pub passwd: PathBuf,
    /// The proc file system, as this process finds it.
    pub proc: PathBuf,
    /// The cgroup v2 hierarchy, as this process finds it.
    pub cgroup: PathBuf,
}

impl Roots {
    /// The usual places below `host_root`, where this process finds the machine's root; the hierarchy is at `cgroup`.
    #[must_use]
    pub fn below(host_root: &Path, cgroup: PathBuf) -> Self {
        let tree = Tree::new(host_root);
        Self {
            docker: "/var/lib/docker".into(),
            run: "/run".into(),
            lib: "/var/lib".into(),
            pod_logs: "/var/log/pods".into(),
            passwd: "/etc/passwd".into(),
            proc: tree.outside(Path::new("/proc")),
            cgroup,
            tree,
        }
    }

    /// Everything of the machine that is read to name containers, as far as it is there now, opened for neither reading nor
    /// writing; and beside that the proc file system and the hierarchy.
    #[must_use]
    pub fn read(&self) -> Vec<OwnedFd> {
        let of_lib =
            ["containerd", "rancher/k3s/agent/containerd", "containers/storage"].map(|path| self.lib.join(path));
        // A runtime makes its directory below `/run` with its first container.
        let mut places = vec![self.run.clone(), self.docker.clone(), self.pod_logs.clone(), self.passwd.clone()];
        places.extend(of_lib);
        let mut opened: Vec<_> = places.iter().filter_map(|path| self.tree.find(path)).collect();
        let mut users = Users::new(self.tree.clone(), self.passwd.clone());
        opened.extend(users.homes().iter().filter_map(|(uid, home)| {
            let home = self.tree.part(home);
            // People may begin to have containers.
            let later = PEOPLE.contains(uid).then_some(DATA_IN_HOME);
            [podman::IN_HOME].into_iter().chain(later).find_map(|path| home.find(Path::new(path)))
        }));
        opened.extend([&self.proc, &self.cgroup].into_iter().filter_map(|path| Tree::new(path).find(Path::new("/"))));
        opened
    }

    /// Where the machine itself has the hierarchy mounted, if that is below its root.
    pub(super) fn hierarchy(&self) -> Option<PathBuf> {
        self.cgroup.strip_prefix(self.tree.root()).ok().map(|path| Path::new("/").join(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_everything_below_the_machines_root() {
        let roots = Roots::below(Path::new("/host"), "/host/sys/fs/cgroup/unified".into());
        assert_eq!(roots.tree.root(), Path::new("/host"));
        assert_eq!((roots.docker.as_path(), roots.run.as_path()), (Path::new("/var/lib/docker"), Path::new("/run")));
        assert_eq!(roots.proc, Path::new("/host/proc"));
        assert_eq!(roots.hierarchy(), Some("/sys/fs/cgroup/unified".into()));
    }

    #[test]
    fn the_machines_root_is_usually_the_root() {
        let roots = Roots::below(Path::new("/"), "/sys/fs/cgroup".into());
        assert_eq!((roots.proc.as_path(), roots.hierarchy()), (Path::new("/proc"), Some("/sys/fs/cgroup".into())));
        let elsewhere = Roots::below(Path::new("/host"), "/sys/fs/cgroup".into());
        assert_eq!(elsewhere.hierarchy(), None);
    }
}
