//! Containers by `runc` or `crun` alone: quick enough for a thousand of them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{rootfs, shell};

/// Runs crun. Where there are cgroups of both versions it refuses to, so it sees those of version 2 alone.
pub(crate) const CRUN: &str = concat!(include_str!("pure_v2.sh"), r#"pure_v2; exec crun "$@""#);

/// A runtime without an engine, a root file system and a place for the runtime's state.
#[derive(Debug)]
pub struct Bare {
    runtime: Runtime,
    directory: TempDir,
}

#[derive(Clone, Copy, Debug)]
enum Runtime {
    Runc,
    Crun,
}

/// A running container without an engine. Dropping it ends and removes it.
#[derive(Debug)]
pub struct BareContainer<'a> {
    bare: &'a Bare,
    id: String,
}

impl Bare {
    /// Prepares for runc.
    #[must_use]
    pub fn runc() -> Self {
        Self::prepare(Runtime::Runc)
    }

    /// Prepares for crun.
    #[must_use]
    pub fn crun() -> Self {
        Self::prepare(Runtime::Crun)
    }

    fn prepare(runtime: Runtime) -> Self {
        let directory = TempDir::with_prefix("ds-bare-").expect("a directory can be made");
        rootfs::fill(&directory.path().join("rootfs"));
        fs::create_dir(directory.path().join("state")).expect("a directory can be made");
        Self { runtime, directory }
    }

    /// What the runtime is called.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self.runtime {
            Runtime::Runc => "runc",
            Runtime::Crun => "crun",
        }
    }

    /// Runs a command in a new container to its end, which must be a success. The container's cgroup is at the path that
    /// Docker would give it.
    pub fn run(&self, id: &str, command: &[&str]) {
        let bundle = self.bundle(id, &format!("/docker/{id}"), command);
        let mut runtime = self.command();
        runtime.args(["run", "--bundle"]).arg(&bundle).arg(id);
        let output = shell::output(&mut runtime);
        assert!(output.status.success(), "{runtime:?} failed: {}", String::from_utf8_lossy(&output.stderr));
        fs::remove_dir_all(bundle).expect("a directory can be removed");
    }

    /// Starts a container in the background, with its cgroup at a path.
    #[must_use]
    pub fn start(&self, id: &str, cgroup: &str, command: &[&str]) -> BareContainer<'_> {
        let bundle = self.bundle(id, cgroup, command);
        let mut runtime = self.command();
        runtime.args(["run", "--detach", "--bundle"]).arg(&bundle).arg(id);
        // What the container inherits must not be a pipe that somebody reads to its end.
        let status = runtime.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert!(status.is_ok_and(|status| status.success()), "{runtime:?} failed");
        BareContainer { bare: self, id: id.to_owned() }
    }

    /// The directory of its state, as `/run/runc` or `/run/crun` otherwise.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.directory.path().join("state")
    }

    fn command(&self) -> Command {
        let mut command = match self.runtime {
            Runtime::Runc => Command::new("runc"),
            Runtime::Crun => {
                let mut command = Command::new("unshare");
                command.args(["--mount", "--propagation=private", "sh", "-c", CRUN, "crun"]);
                command
            }
        };
        command.arg("--root").arg(self.state());
        command
    }

    fn bundle(&self, id: &str, cgroup: &str, command: &[&str]) -> PathBuf {
        let bundle = self.directory.path().join(id);
        fs::create_dir(&bundle).expect("a directory can be made");
        let specification = specification(&self.directory.path().join("rootfs"), cgroup, command);
        fs::write(bundle.join("config.json"), specification.to_string()).expect("a file can be written");
        bundle
    }
}

impl Drop for BareContainer<'_> {
    fn drop(&mut self) {
        drop(self.bare.command().args(["delete", "--force", &self.id]).output());
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
