//! The machine as the configuration describes it: where its cgroups are, and who names its containers.

use std::{
    io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustix::event::{EventfdFlags, eventfd};
use tokio::runtime::Handle;

use crate::{
    config,
    identity::{
        failures::Failures,
        hierarchy,
        resolve::Resolver,
        roots::Roots,
        sockets::{self, Setting, SocketSource},
        source::Source,
    },
};

const MOUNTINFO: &str = "/proc/self/mountinfo";

/// Why the machine cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub enum MachineError {
    /// The mounts are not known.
    #[error("cannot read `{MOUNTINFO}`")]
    Mounts(#[source] io::Error),
    /// The machine's root is not there.
    #[error("cannot find the machine's root `{}`; correct `identity.host_root`", .0.display())]
    HostRoot(PathBuf, #[source] io::Error),
    /// There is no hierarchy to find containers in.
    #[error(
        "no cgroup v2 hierarchy is mounted below `{}`; mount one with `mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified`, \
         or mount the machine's `/sys/fs/cgroup` into this container",
        .0.display()
    )]
    NoHierarchy(PathBuf),
    /// No eventfd could be made.
    #[error("cannot make an eventfd")]
    Bell(#[source] io::Error),
}

/// The machine whose containers are counted.
#[derive(Debug)]
pub struct Machine {
    /// Where the cgroup v2 hierarchy is mounted.
    pub hierarchy: PathBuf,
    /// Who names its containers.
    pub resolver: Resolver,
    /// The eventfd that sources of names with a socket write to when they have news.
    pub bell: Arc<OwnedFd>,
}

impl Machine {
    /// Finds the hierarchy, and starts to follow the runtimes behind the configured sockets on `runtime`.
    ///
    /// # Errors
    ///
    /// When there is no hierarchy to be found.
    pub fn find(identity: &config::Identity, runtime: &Handle) -> Result<Self, MachineError> {
        let config::Identity { host_root, docker_root, sockets, .. } = identity;
        let host_root = host_root.canonicalize().map_err(|error| MachineError::HostRoot(host_root.clone(), error))?;
        let mountinfo = std::fs::read_to_string(MOUNTINFO).map_err(MachineError::Mounts)?;
        let hierarchy = hierarchy::find(&mountinfo, &host_root);
        let hierarchy = hierarchy.ok_or_else(|| MachineError::NoHierarchy(host_root.clone()))?;
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK);
        let bell = Arc::new(bell.map_err(|error| MachineError::Bell(error.into()))?);
        let failures = Arc::<Failures>::default();
        let setting = Setting { runtime: runtime.clone(), wake: Arc::clone(&bell), failures: Arc::clone(&failures) };
        let roots = Roots { docker: docker_root.clone(), ..Roots::below(&host_root, hierarchy.clone()) };
        let resolver = Resolver::new(roots, follow(sockets, &host_root, &setting), failures);
        Ok(Self { hierarchy, resolver, bell })
    }
}

/// How a kind of runtime is followed.
type Follow = fn(PathBuf, Setting) -> SocketSource;

/// The sources behind sockets, in the order of preference: who knows the pods comes first.
fn follow(sockets: &config::Sockets, host_root: &Path, setting: &Setting) -> Vec<Box<dyn Source>> {
    let config::Sockets { docker, cri, containerd } = sockets;
    let kinds: [(&[PathBuf], Follow); 3] =
        [(cri, sockets::cri::follow), (containerd, sockets::containerd::follow), (docker, sockets::docker::follow)];
    let source = |follow: Follow, path: &Path| -> Box<dyn Source> {
        let below = host_root.join(path.strip_prefix("/").unwrap_or(path));
        Box::new(follow(below, setting.clone()))
    };
    kinds.into_iter().flat_map(|(paths, follow)| paths.iter().map(move |path| source(follow, path))).collect()
}
