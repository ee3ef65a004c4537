//! A weight at the CPUs, as a service manager or an engine gives one.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::cgroup::v2_root;

/// Ten times the usual weight, for this process and what it starts meanwhile. Dropping it takes the process back.
#[derive(Debug)]
pub struct CpuWeight {
    group: PathBuf,
    before: PathBuf,
}

impl CpuWeight {
    /// Takes this process into a cgroup with the weight.
    #[must_use]
    pub fn tenfold() -> Self {
        let v1 = Path::new("/sys/fs/cgroup/cpu");
        let is_v1 = v1.join("cpu.shares").exists();
        let (root, file, weight) =
            if is_v1 { (v1.to_owned(), "cpu.shares", "10240") } else { (v2_root(), "cpu.weight", "1000") };
        if !is_v1 {
            write(&root.join("cgroup.subtree_control"), "+cpu");
        }
        let before = root.join(own(is_v1).trim_start_matches('/'));
        let group = root.join(format!("ds-weight-{}", std::process::id()));
        fs::create_dir(&group).expect("a cgroup can be made");
        write(&group.join(file), weight);
        let weight = Self { group, before };
        weight.enter(&weight.group);
        weight
    }

    fn enter(&self, group: &Path) {
        write(&group.join("cgroup.procs"), &std::process::id().to_string());
    }
}

impl Drop for CpuWeight {
    fn drop(&mut self) {
        self.enter(&self.before);
        // What it started may still be there, when a test fails.
        drop(fs::remove_dir(&self.group));
    }
}

/// The cgroup of this process that has the controller.
fn own(is_v1: bool) -> String {
    let groups = fs::read_to_string("/proc/self/cgroup").expect("procfs is mounted");
    let has_controller = |controllers: &str| match is_v1 {
        true => controllers.split(',').any(|controller| controller == "cpu"),
        false => controllers.is_empty(),
    };
    let mut lines = groups.lines().filter_map(|line| line.split_once(':')?.1.split_once(':'));
    lines.find_map(|(controllers, path)| has_controller(controllers).then(|| path.to_owned())).expect("it is in one")
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
}
