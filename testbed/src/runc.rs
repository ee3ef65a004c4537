//! Containers by `runc` alone: quick enough for a thousand of them.

use std::{
    fs,
    path::Path,
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

impl Runc {
    /// Prepares both.
    #[must_use]
    pub fn new() -> Self {
        let directory = TempDir::with_prefix("ds-runc-").expect("a directory can be made");
        rootfs::fill(&directory.path().join("rootfs"));
        Self { directory }
    }

    /// Runs a command in a new container to its end, which must be a success. The container's cgroup is at the path that
    /// Docker would give it.
    pub fn run(&self, id: &str, command: &[&str]) {
        let bundle = self.directory.path().join(id);
        fs::create_dir(&bundle).expect("a directory can be made");
        let specification = specification(&self.directory.path().join("rootfs"), id, command);
        fs::write(bundle.join("config.json"), specification.to_string()).expect("a file can be written");
        let mut runc = Command::new("runc");
        runc.arg("--root").arg(self.directory.path().join("state")).args(["run", "--bundle"]).arg(&bundle).arg(id);
        let output = shell::output(runc.stdin(Stdio::null()));
        assert!(output.status.success(), "{runc:?} failed: {}", String::from_utf8_lossy(&output.stderr));
        fs::remove_dir_all(bundle).expect("a directory can be removed");
    }
}

impl Default for Runc {
    fn default() -> Self {
        Self::new()
    }
}

fn specification(root: &Path, id: &str, command: &[&str]) -> Value {
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
            "cgroupsPath": format!("/docker/{id}"),
            "namespaces": [
                { "type": "pid" }, { "type": "network" }, { "type": "ipc" }, { "type": "uts" }, { "type": "mount" },
            ],
        },
    })
}
