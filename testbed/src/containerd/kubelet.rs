//! What a kubelet asks of a runtime, over CRI.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use http::uri::PathAndQuery;
use prost::Message;
use tokio::runtime::Runtime;
use tonic::{
    Request, Status,
    client::Grpc,
    transport::{Channel, Endpoint},
};
use tonic_prost::ProstCodec;

use super::{
    IMAGE,
    messages::{
        CONTAINER, Capability, ContainerConfig, ContainerMetadata, CreateContainerRequest, Empty, Id, ImageSpec,
        LinuxContainerConfig, LinuxContainerSecurityContext, LinuxPodSandboxConfig, LinuxSandboxSecurityContext, Mount,
        NODE, NamespaceOption, PodSandboxConfig, PodSandboxMetadata, RunPodSandboxRequest, SecurityProfile,
    },
};
use crate::wait;

/// How long an attempt to ask whether somebody is there may take.
const ATTEMPT: Duration = Duration::from_secs(2);

/// The one who asks.
#[derive(Debug)]
pub(super) struct Kubelet {
    runtime: Runtime,
    channel: Channel,
}

/// What a pod is to be.
#[derive(Clone, Copy, Debug)]
pub struct PodSpec<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its namespace in Kubernetes.
    pub namespace: &'a str,
    /// Its uid.
    pub uid: &'a str,
    /// Its labels, beside those that a kubelet gives to every pod.
    pub labels: &'a [(&'a str, &'a str)],
}

/// What a container of a pod is to be.
#[derive(Clone, Debug, Default)]
pub struct ContainerSpec<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its labels, beside those that a kubelet gives to every container.
    pub labels: &'a [(&'a str, &'a str)],
    /// What it runs.
    pub command: &'a [&'a str],
    /// What it has of the host.
    pub mounts: &'a [HostMount],
    /// What it may do, if not what a runtime lets everybody do.
    pub security: Option<Security>,
}

/// A path of the host in a container.
#[derive(Clone, Debug)]
pub struct HostMount {
    /// Where it is on the host.
    pub host: PathBuf,
    /// Where it is in the container.
    pub container: PathBuf,
    /// Whether it cannot be written to.
    pub readonly: bool,
}

/// What a container may do; the runtime's own seccomp profile is on.
#[derive(Clone, Debug)]
pub struct Security {
    /// Capabilities that it has beyond the runtime's.
    pub add: Vec<String>,
    /// Capabilities that it does not have.
    pub drop: Vec<String>,
    /// Whether its root file system cannot be written to.
    pub readonly_root: bool,
    /// Whether it gets no privileges by executing something.
    pub no_new_privileges: bool,
}

/// Whose processes a pod sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Processes {
    /// A container's own.
    Own,
    /// The host's.
    Host,
}

impl Processes {
    /// With the host's network.
    fn namespaces(self) -> NamespaceOption {
        NamespaceOption { network: NODE, pid: if self == Self::Host { NODE } else { CONTAINER } }
    }
}

/// A pod. Dropping it stops and removes it, with its containers.
#[derive(Debug)]
pub struct Pod<'a> {
    kubelet: &'a Kubelet,
    config: PodSandboxConfig,
    processes: Processes,
    /// The id of its sandbox.
    pub id: String,
}

impl Kubelet {
    /// For the runtime behind a socket, which need not be there yet.
    pub(super) fn new(socket: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a thread can be started");
        let endpoint = Endpoint::new(format!("unix:{}", socket.display())).expect("it is a path");
        let channel = runtime.block_on(async { endpoint.connect_lazy() });
        Self { runtime, channel }
    }

    /// Whether the runtime does what it is asked: it tells its version before it can do anything else.
    pub(super) fn is_answered(&self) -> bool {
        self.ask::<_, Empty>("Status", Empty {}, ATTEMPT).is_ok()
    }

    pub(super) fn pod(&self, spec: &PodSpec<'_>, cgroup_parent: &str, processes: Processes) -> Pod<'_> {
        let PodSpec { name, namespace, uid, labels } = *spec;
        let metadata =
            PodSandboxMetadata { name: name.to_owned(), uid: uid.to_owned(), namespace: namespace.to_owned() };
        let linux = LinuxPodSandboxConfig {
            cgroup_parent: cgroup_parent.to_owned(),
            security_context: Some(LinuxSandboxSecurityContext { namespace_options: Some(processes.namespaces()) }),
        };
        let given = [
            ("io.kubernetes.pod.name", name),
            ("io.kubernetes.pod.namespace", namespace),
            ("io.kubernetes.pod.uid", uid),
        ];
        let config = PodSandboxConfig {
            metadata: Some(metadata),
            log_directory: String::new(),
            labels: owned(labels.iter().chain(&given)),
            linux: Some(linux),
        };
        let Id { id } = self.must("RunPodSandbox", RunPodSandboxRequest { config: Some(config.clone()) });
        Pod { kubelet: self, config, processes, id }
    }

    /// Asks. Panics when the answer is a refusal, or none comes.
    fn must<Q: Message + 'static, A: Message + Default + 'static>(&self, method: &str, question: Q) -> A {
        self.ask(method, question, wait::PATIENCE).unwrap_or_else(|status| panic!("{method} failed: {status}"))
    }

    fn ask<Q, A>(&self, method: &str, question: Q, time: Duration) -> Result<A, Status>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let path = format!("/runtime.v1.RuntimeService/{method}");
        let path = PathAndQuery::try_from(path).expect("it is a path");
        let mut client = Grpc::new(self.channel.clone());
        self.runtime.block_on(async {
            let answer = async {
                client.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
                client.unary(Request::new(question), path, ProstCodec::default()).await
            };
            let late = |_| Status::deadline_exceeded(format!("no answer within {time:?}"));
            Ok(tokio::time::timeout(time, answer).await.map_err(late)??.into_inner())
        })
    }
}

impl PodSpec<'_> {
    /// The path of its cgroup, for which the kubelet would not reserve anything.
    #[must_use]
    pub fn cgroup(&self) -> String {
        format!("/kubepods/besteffort/pod{}", self.uid)
    }
}

impl HostMount {
    fn message(&self) -> Mount {
        let Self { host, container, readonly } = self;
        let [host_path, container_path] = [host, container].map(|path| path.display().to_string());
        Mount { container_path, host_path, readonly: *readonly }
    }
}

impl Security {
    fn message(&self, processes: Processes) -> LinuxContainerSecurityContext {
        let Self { add, drop, readonly_root, no_new_privileges } = self;
        LinuxContainerSecurityContext {
            capabilities: Some(Capability { add_capabilities: add.clone(), drop_capabilities: drop.clone() }),
            namespace_options: Some(processes.namespaces()),
            readonly_rootfs: *readonly_root,
            no_new_privs: *no_new_privileges,
            seccomp: Some(SecurityProfile {}),
        }
    }
}

impl Pod<'_> {
    /// Starts a container in it and returns the container's id. A kubelet's labels come on top of these.
    #[must_use]
    pub fn container(&self, name: &str, labels: &[(&str, &str)], command: &[&str]) -> String {
        self.start(&ContainerSpec { name, labels, command, ..ContainerSpec::default() })
    }

    /// Starts a container in it as it is to be, and returns the container's id.
    #[must_use]
    pub fn start(&self, spec: &ContainerSpec<'_>) -> String {
        let ContainerSpec { name, labels, command, mounts, security } = spec;
        let PodSandboxMetadata { name: pod, uid, namespace } = self.config.metadata.clone().unwrap_or_default();
        let given = [
            ("io.kubernetes.container.name", *name),
            ("io.kubernetes.pod.name", &pod),
            ("io.kubernetes.pod.namespace", &namespace),
            ("io.kubernetes.pod.uid", &uid),
        ];
        let config = ContainerConfig {
            metadata: Some(ContainerMetadata { name: (*name).to_owned() }),
            image: Some(ImageSpec { image: IMAGE.to_owned() }),
            command: command.iter().map(|word| (*word).to_owned()).collect(),
            mounts: mounts.iter().map(HostMount::message).collect(),
            labels: owned(labels.iter().chain(&given)),
            log_path: String::new(),
            linux: security
                .as_ref()
                .map(|security| LinuxContainerConfig { security_context: Some(security.message(self.processes)) }),
        };
        let request = CreateContainerRequest {
            pod_sandbox_id: self.id.clone(),
            config: Some(config),
            sandbox_config: Some(self.config.clone()),
        };
        let container: Id = self.kubelet.must("CreateContainer", request);
        let Empty {} = self.kubelet.must("StartContainer", container.clone());
        container.id
    }

    /// Ends a container at once.
    pub fn stop(&self, container: &str) {
        let Empty {} = self.kubelet.must("StopContainer", Id { id: container.to_owned() });
    }

    /// Removes a container that has ended.
    pub fn remove(&self, container: &str) {
        let Empty {} = self.kubelet.must("RemoveContainer", Id { id: container.to_owned() });
    }
}

impl Drop for Pod<'_> {
    fn drop(&mut self) {
        // Not `must`: a failure here must not hide the panic that may be on its way.
        for method in ["StopPodSandbox", "RemovePodSandbox"] {
            drop(self.kubelet.ask::<_, Empty>(method, Id { id: self.id.clone() }, wait::PATIENCE));
        }
    }
}

fn owned<'a>(labels: impl Iterator<Item = &'a (&'a str, &'a str)>) -> BTreeMap<String, String> {
    labels.map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}
