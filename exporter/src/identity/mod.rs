//! Whose cgroup it is: from a path to a container, without asking a runtime.

pub mod directory;
mod docker;
pub mod facts;
pub mod failures;
pub mod hierarchy;
pub mod ignore;
mod kubelet;
pub mod labels;
mod oci;
mod passwd;
pub mod paths;
mod pod_logs;
mod podman;
pub mod present;
pub mod registry;
pub mod resolve;
pub mod roots;
mod runc;
pub mod sockets;
pub mod source;
mod started;
pub mod state_file;
mod unit;
pub mod user_names;
mod users;

use std::collections::BTreeMap;

/// The id of a cgroup: the inode number of its directory in the v2 hierarchy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CgroupId(pub u64);

/// Whose rows an event belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// No container: the host's own processes and services.
    #[default]
    Host,
    /// A pod itself, not one of its containers: its sandbox.
    Pod,
    /// A container.
    Container,
    /// Not known: what could not be stored or attributed.
    Other,
}

impl Scope {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Pod => "pod",
            Self::Container => "container",
            Self::Other => "other",
        }
    }
}

/// A container runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Runtime {
    /// Docker.
    Docker,
    /// containerd.
    Containerd,
    /// CRI-O.
    CriO,
    /// Podman.
    Podman,
    /// LXC.
    Lxc,
    /// systemd-nspawn.
    Nspawn,
    /// runc without an engine above it.
    Runc,
    /// crun without an engine above it.
    Crun,
}

impl Runtime {
    /// The value of the `runtime` label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Containerd => "containerd",
            Self::CriO => "cri-o",
            Self::Podman => "podman",
            Self::Lxc => "lxc",
            Self::Nspawn => "systemd-nspawn",
            Self::Runc => "runc",
            Self::Crun => "crun",
        }
    }
}

/// What is known of a cgroup's owner. Empty strings stand for what is not known or does not apply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Whose rows its events belong to.
    pub scope: Scope,
    /// The runtime.
    pub runtime: Option<Runtime>,
    /// The container's id.
    pub container_id: String,
    /// The container's name.
    pub container: String,
    /// The pod's name; its uid while no name is known.
    pub pod: String,
    /// The pod's namespace.
    pub namespace: String,
    /// The pod's uid.
    pub pod_uid: String,
    /// The pod's class of service: `guaranteed`, `burstable` or `besteffort`.
    pub qos: &'static str,
    /// The image as the container's creator named it.
    pub image: String,
    /// The image's id.
    pub image_id: String,
    /// The container's labels.
    pub container_labels: BTreeMap<String, String>,
    /// The pod's labels.
    pub pod_labels: BTreeMap<String, String>,
    /// The systemd unit of a cgroup of the host.
    pub unit: String,
}

/// The beginning of a container's id that was drawn by lot, as docker prints it. What a person chose stays whole.
#[must_use]
pub fn short_id(id: &str) -> &str {
    let drawn = id.len() >= 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if drawn { &id[..12] } else { id }
}
