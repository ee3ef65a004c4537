//! A Docker engine of one's own: nobody else's containers are touched, and all of it ends with its user.

mod client;
mod machine;

use std::{
    ops::Deref,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

pub use self::{
    client::{Client, IMAGE},
    machine::Machine,
};
use crate::{
    remote::Remote,
    rootfs,
    supervisor::{self, Supervisor},
    wait,
};

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

/// A running engine, which is asked as its client is. Dropping it removes its containers and ends it.
#[derive(Debug)]
pub struct Docker {
    supervisor: Supervisor,
    client: Client,
    directory: TempDir,
}

/// A container whose first process is a load that is served. Dropping it removes it.
#[derive(Debug)]
pub struct LoadContainer<'a> {
    client: &'a Client,
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
        Self::start_with(hierarchy, "none")
    }

    /// The same with networks of containers, and ports of them that are published in its network namespace.
    #[must_use]
    pub fn start_with_networks() -> Self {
        Self::start_with(Hierarchy::Host, "networks")
    }

    /// The same with a registry of images, which is called `registry.example` there.
    #[must_use]
    pub fn start_with_registry() -> Self {
        Self::start_with(Hierarchy::Host, "registry")
    }

    fn start_with(hierarchy: Hierarchy, beside: &str) -> Self {
        let directory = TempDir::with_prefix("ds-docker-").expect("a directory can be made");
        let supervisor = Supervisor::start(
            supervisor::command("unshare")
                .args(["--mount", "--net", "--propagation=private", "sh", "-c", SUPERVISOR, "docker.sh"])
                .arg(directory.path())
                .arg(if hierarchy == Hierarchy::PureV2 { "pure-v2" } else { "host" })
                .arg(beside),
        );
        let client = Client::new(directory.path());
        let mut docker = Self { supervisor, client, directory };
        wait::until("the Docker engine answers", || {
            assert_eq!(docker.supervisor.ended(), None, "{}", docker.log());
            docker.ping()
        });
        docker.import();
        docker
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
        LoadContainer { client: self, id, name: name.to_owned(), load: Remote::connect(directory.path()), directory }
    }

    /// The directory of its state, as `/var/lib/docker` otherwise.
    #[must_use]
    pub fn data_root(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// Ends the engine at once, as a crash does. Containers go on.
    pub fn kill(&self) {
        self.supervisor.say("kill");
        wait::until("nobody listens to the engine's socket", || UnixStream::connect(self.socket()).err());
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
}

impl Deref for Docker {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl LoadContainer<'_> {
    /// The host's id of its first process.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.client.inspect(&self.id, "{{.State.Pid}}").parse().expect("a process id")
    }

    /// Starts it again after a stop; its load is then a new one.
    pub fn start(&mut self) {
        drop(std::fs::remove_file(self.directory.path().join(crate::load::serve::SOCKET)));
        self.client.cli(["start", &self.id]);
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
        self.client.discard(&self.id);
    }
}
