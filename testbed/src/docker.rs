//! A Docker engine of one's own: nobody else's containers are touched, and all of it ends with its user.

use std::{
    ffi::OsStr,
    io::{Read as _, Write as _},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use crate::{remote::Remote, rootfs, shell, supervisor::Supervisor, wait};

/// The image that every engine has.
pub const IMAGE: &str = "testbed:latest";

/// Starts the engine and cleans up when its standard input ends, which it does with this process, however that ends.
const SUPERVISOR: &str = concat!(include_str!("supervisor.sh"), include_str!("pure_v2.sh"), include_str!("docker.sh"));

/// The cgroups that an engine sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hierarchy {
    /// Those of the host.
    Host,
    /// Version 2 alone, at `/sys/fs/cgroup`, in a mount namespace of its own.
    PureV2,
}

/// A running engine. Dropping it removes its containers and ends it.
#[derive(Debug)]
pub struct Docker {
    supervisor: Supervisor,
    socket: PathBuf,
    directory: TempDir,
}

/// A container whose first process is a load that is served. Dropping it removes it.
#[derive(Debug)]
pub struct LoadContainer<'a> {
    docker: &'a Docker,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Where its load is asked.
    pub load: Remote,
    directory: TempDir,
}

impl Docker {
    /// Starts an engine, in mount and network namespaces of its own, and gives it the image.
    #[must_use]
    pub fn start(hierarchy: Hierarchy) -> Self {
        let directory = TempDir::with_prefix("ds-docker-").expect("a directory can be made");
        let root = directory.path().join("rootfs");
        rootfs::fill(&root);
        let supervisor = Supervisor::start(
            Command::new("unshare")
                .args(["--mount", "--net", "--propagation=private", "sh", "-c", SUPERVISOR, "docker.sh"])
                .arg(directory.path())
                .arg(if hierarchy == Hierarchy::PureV2 { "pure-v2" } else { "host" }),
        );
        let socket = directory.path().join("docker.sock");
        let mut docker = Self { supervisor, socket, directory };
        wait::until("the Docker engine answers", || {
            assert_eq!(docker.supervisor.ended(), None, "{}", docker.log());
            docker.ping()
        });
        let archive = docker.directory.path().join("rootfs.tar");
        shell::run("tar", [OsStr::new("-C"), root.as_os_str(), "-cf".as_ref(), archive.as_os_str(), ".".as_ref()]);
        docker.cli([OsStr::new("import"), archive.as_os_str(), IMAGE.as_ref()]);
        docker
    }

    /// Runs a command of the docker client and returns what it prints. Panics when it fails.
    pub fn cli<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> String {
        let mut command = self.command();
        command.args(arguments);
        let output = shell::output(&mut command);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        assert!(output.status.success(), "{command:?} failed: {}\n{}", text(&output.stderr), self.log());
        text(&output.stdout)
    }

    /// The docker client, to be given arguments.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new("docker");
        command.arg("--host").arg(format!("unix://{}", self.socket.display()));
        command.env("DOCKER_CONFIG", self.directory.path()).env_remove("DOCKER_CONTEXT").env_remove("DOCKER_HOST");
        command
    }

    /// Starts a container in the background and returns its id.
    pub fn run(&self, options: &[&str], command: &[&str]) -> String {
        self.cli([&["run", "--detach", "--network=none"], options, &[IMAGE], command].concat())
    }

    /// Starts a container whose first process serves loads.
    #[must_use]
    pub fn load(&self, name: &str, options: &[&str]) -> LoadContainer<'_> {
        let directory = TempDir::with_prefix("ds-load-").expect("a directory can be made");
        let volume = format!("--volume={}:/served", directory.path().display());
        let network =
            if options.iter().any(|option| option.starts_with("--network")) { &[][..] } else { &["--network=none"] };
        let named = [&["run", "--detach", "--name", name, &volume], network, options].concat();
        let id = self.cli([&named[..], &[IMAGE, rootfs::LOAD, "serve", "/served"]].concat());
        LoadContainer { docker: self, id, name: name.to_owned(), load: Remote::connect(directory.path()), directory }
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

    /// The directory of its state, as `/var/lib/docker` otherwise.
    #[must_use]
    pub fn data_root(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// Where it is asked.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.socket.clone()
    }

    /// Ends the engine at once, as a crash does. Containers go on.
    pub fn kill(&self) {
        self.supervisor.say("kill");
        wait::until("nobody listens to the engine's socket", || UnixStream::connect(&self.socket).err());
    }

    /// Starts the engine again after [`Self::kill`]. It ends the containers that still run.
    pub fn start_again(&self) {
        self.supervisor.say("start");
        wait::until("the Docker engine answers again", || self.ping());
    }

    /// A process that has its mount and network namespaces.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.supervisor.pid()
    }

    fn ping(&self) -> Option<()> {
        let mut stream = UnixStream::connect(&self.socket).ok()?;
        stream.write_all(b"GET /_ping HTTP/1.0\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        answer.contains(" 200 ").then_some(())
    }

    fn log(&self) -> String {
        let log = std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        format!("the engine's log ends with:\n{}", lines[lines.len().saturating_sub(5)..].join("\n"))
    }
}

impl LoadContainer<'_> {
    /// The host's id of its first process.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.docker.inspect(&self.id, "{{.State.Pid}}").parse().expect("a process id")
    }

    /// Starts it again after a stop; its load is then a new one.
    pub fn start(&mut self) {
        drop(std::fs::remove_file(self.directory.path().join(crate::load::serve::SOCKET)));
        self.docker.cli(["start", &self.id]);
        self.load = Remote::connect(self.directory.path());
    }

    /// The directory that its load serves, as the host sees it.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }
}

impl Drop for LoadContainer<'_> {
    fn drop(&mut self) {
        // Not `cli`: a failure here must not hide the panic that may be on its way.
        drop(self.docker.command().args(["rm", "--force", "--volumes", &self.id]).output());
    }
}
