//! A file system of type bpf at `/sys/fs/bpf`, for those who are started where it is. What is pinned there ends with it.

use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Command, Stdio},
};

use crate::supervisor::{self, Supervisor};

/// Where it is.
const MOUNT: &str = "/sys/fs/bpf";

/// Mounts it, says so, and keeps it until its input ends.
const KEEPER: &str = "mount -t bpf bpf \"$1\" && echo ready && cat >/dev/null";

/// The file system. It is seen by its keeper and by whoever has its mounts, and ends with the last of them.
#[derive(Debug)]
pub struct BpfFs(Supervisor);

impl BpfFs {
    /// Mounts it.
    #[must_use]
    pub fn mount() -> Self {
        let mut keeper = supervisor::command("unshare");
        keeper.args(["--mount", "--propagation=private", "sh", "-c", KEEPER, "keeper", MOUNT]);
        let mut keeper = Supervisor::start(keeper.stdout(Stdio::piped()));
        let mut answer = String::new();
        BufReader::new(keeper.output()).read_line(&mut answer).expect("the keeper answers");
        assert_eq!(answer, "ready\n", "it could not be mounted");
        Self(keeper)
    }

    /// A process that has its mounts.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.0.pid()
    }

    /// Where a path in it is, seen from here.
    #[must_use]
    pub fn path(&self, path: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{MOUNT}", self.pid())).join(path)
    }

    /// A command that runs where it is.
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--mount=/proc/{}/ns/mnt", self.pid())).arg("--").arg(program);
        command
    }
}
