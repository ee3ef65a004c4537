//! The client of an engine.

use std::{
    ffi::OsStr,
    io::{Read as _, Write as _},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::{rootfs, shell};

/// The image that every engine has.
pub const IMAGE: &str = "testbed:latest";

/// Asks an engine that has its socket and its log in a directory.
#[derive(Debug)]
pub struct Client {
    directory: PathBuf,
}

impl Client {
    /// The client of the engine in this directory.
    pub(super) fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    /// Runs a command of the docker client and returns what it prints. Panics when it fails.
    pub fn cli<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> String {
        let mut command = self.command();
        command.args(arguments);
        let printed = self.printed_within(shell::PATIENCE, &mut command);
        printed.unwrap_or_else(|| panic!("{command:?} did not end in {:?}; {}", shell::PATIENCE, self.log()))
    }

    /// Runs a [`Self::command`] and returns what it prints, or ends it when it does not end in time. Panics when it fails.
    pub fn printed_within(&self, time: Duration, command: &mut Command) -> Option<String> {
        let output = shell::output_within(time, command)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        assert!(output.status.success(), "{command:?} failed: {}\n{}", text(&output.stderr), self.log());
        Some(text(&output.stdout))
    }

    /// Another program that asks this engine, to be given arguments.
    #[must_use]
    pub fn other(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        shell::as_without_cargo(&mut command);
        command.env("DOCKER_HOST", format!("unix://{}", self.socket().display()));
        command.env("DOCKER_CONFIG", &self.directory).env_remove("DOCKER_CONTEXT");
        command
    }

    /// The docker client, to be given arguments.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new("docker");
        command.arg("--host").arg(format!("unix://{}", self.socket().display()));
        command.env("DOCKER_CONFIG", &self.directory).env_remove("DOCKER_CONTEXT").env_remove("DOCKER_HOST");
        command
    }

    /// Starts a container in the background and returns its id.
    pub fn run(&self, options: &[&str], command: &[&str]) -> String {
        self.cli([&["run", "--detach", "--network=none"], options, &[IMAGE], command].concat())
    }

    /// What `docker inspect` says of a container, by a template.
    #[must_use]
    pub fn inspect(&self, container: &str, template: &str) -> String {
        self.cli(["inspect", "--format", template, container])
    }

    /// Ends a container at once and removes it.
    pub fn remove(&self, container: &str) {
        self.cli(["rm", "--force", "--volumes", container]);
    }

    /// The same for a destructor: a failure must not hide the panic that may be on its way.
    pub fn discard(&self, container: &str) {
        drop(shell::output_within(shell::PATIENCE, self.command().args(["rm", "--force", "--volumes", container])));
    }

    /// Where the engine is asked.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.directory.join("docker.sock")
    }

    /// Gives the engine the image.
    pub(super) fn import(&self) {
        let (root, archive) = (self.directory.join("rootfs"), self.directory.join("rootfs.tar"));
        rootfs::fill(&root);
        shell::run("tar", [OsStr::new("-C"), root.as_os_str(), "-cf".as_ref(), archive.as_os_str(), ".".as_ref()]);
        self.cli([OsStr::new("import"), archive.as_os_str(), IMAGE.as_ref()]);
    }

    pub(super) fn ping(&self) -> Option<()> {
        let mut stream = UnixStream::connect(self.socket()).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        stream.write_all(b"GET /_ping HTTP/1.0\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        answer.contains(" 200 ").then_some(())
    }

    pub(super) fn log(&self) -> String {
        let log = std::fs::read_to_string(self.directory.join("log")).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        format!("the engine's log ends with:\n{}", lines[lines.len().saturating_sub(5)..].join("\n"))
    }
}
