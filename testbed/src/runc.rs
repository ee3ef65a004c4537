//! Containers by `runc` alone: quick enough for a thousand of them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{rootfs, shell};

/// A root file system and a place for runc's state.
#[derive(Debug)]
pub struct Runc {
    directory: TempDir,
}

/// A running container without an engine. Dropping it ends and removes it.
#[derive(Debug)]
pub struct BareContainer<'a> {
    runc: &'a Runc,
    id: String,
}

impl Runc {
    /// Prepares both.
    #[must_use]
    pub fn new() -> Self {
        let directory = TempDir::with_prefix("ds-runc-").expect("a directory can be made");
        rootfs::fill(&directory.path().join("rootfs"));
        fs::create_dir(directory.path().join("state")).expect("a directory can be made");
        Self { directory }
    }

    /// Runs a command in a new container to its end, which must be a success. The container's cgroup is at the path that
    /// Docker would give it.
    pub fn run(&self, id: &str, command: &[&str]) {
        let bundle = self.bundle(id, &format!("/docker/{id}"), command);
        let mut runc = self.command();
        runc.args(["run", "--bundle"]).arg(&bundle).arg(id);
        let output = shell::output(runc.stdin(Stdio::null()));
        assert!(output.status.success(), "{runc:?} failed: {}", String::from_utf8_lossy(&output.stderr));
        fs::remove_dir_all(bundle).expect("a directory can be removed");
    }

    /// Starts a container in the background, with its cgroup at a path.
    #[must_use]
    pub fn start(&self, id: &str, cgroup: &str, command: &[&str]) -> BareContainer<'_> {
        let bundle = self.bundle(id, cgroup, command);
        let mut runc = self.command();
        runc.args(["run", "--detach", "--bundle"]).arg(&bundle).arg(id);
        // What the container inherits must not be a pipe that somebody reads to its end.
        let status = runc.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert!(status.is_ok_and(|status| status.success()), "{runc:?} failed");
        BareContainer { runc: self, id: id.to_owned() }
    }

    /// The directory of its state, as `/run/runc` otherwise.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.directory.path().join("state")
    }

    fn command(&self) -> Command {
        let mut runc = Command::new("runc");
        runc.arg("--root").arg(self.state());
        runc
    }

    fn bundle(&self, id: &str, cgroup: &str, command: &[&str]) -> PathBuf {
        let bundle = self.directory.path().join(id);
        fs::create_dir(&bundle).expect("a directory can be made");
        let specification = specification(&self.directory.path().join("rootfs"), cgroup, command);
        fs::write(bundle.join("config.json"), specification.to_string()).expect("a file can be written");
        bundle
    }
}

impl Default for Runc {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for BareContainer<'_> {
    fn drop(&mut self) {
        drop(self.runc.command().args(["delete", "--force", &self.id]).output());
    }
}

fn specification(root: &Path, cgroup: &str, command: &[&str]) -> Value {
    json!({
        "ociVersion": "1.0.2",
        "process": {
            "terminal": false,
            "user": { "uid": 0, "gid": 0 },
            "args": command,
            "env": ["PATH=/bin"],
            "cwd": "/",
        },
        "root": { "path": root, "readonly": false },
        "hostname": "container",
        "mounts": [
            { "destination": "/proc", "type": "proc", "source": "proc" },
            { "destination": "/dev", "type": "tmpfs", "source": "tmpfs" },
            { "destination": "/tmp", "type": "tmpfs", "source": "tmpfs" },
        ],
        "linux": {
            "cgroupsPath": cgroup,
            "namespaces": [
                { "type": "pid" }, { "type": "network" }, { "type": "ipc" }, { "type": "uts" }, { "type": "mount" },
            ],
        },
    })
}
