//! How often a source of names failed, and how.

use std::sync::atomic::{AtomicU64, Ordering};

/// Where names come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// Docker's files about its containers.
    Docker,
    /// The OCI configuration that containerd and CRI-O write for each container.
    Oci,
    /// Podman's files about its containers.
    Podman,
    /// The state directories of runc and crun.
    Runc,
    /// The names of the directories of pods' logs.
    PodLogs,
    /// Docker's socket, or podman's that is like it.
    DockerApi,
    /// The socket on which a runtime serves the kubelet.
    Cri,
    /// containerd's own socket.
    Containerd,
}

impl Source {
    /// Every source.
    pub const ALL: [Self; 8] = [
        Self::Docker,
        Self::Oci,
        Self::Podman,
        Self::Runc,
        Self::PodLogs,
        Self::DockerApi,
        Self::Cri,
        Self::Containerd,
    ];

    /// The value of the `source` label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Oci => "oci",
            Self::Podman => "podman",
            Self::Runc => "runc",
            Self::PodLogs => "pod_logs",
            Self::DockerApi => "docker_api",
            Self::Cri => "cri",
            Self::Containerd => "containerd",
        }
    }
}

/// Why a source told nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// There is no file about the container: it was gone already, or its runtime keeps its files elsewhere.
    Missing,
    /// The file is there but cannot be read.
    Unreadable,
    /// The file, or the answer, is not what it should be.
    Malformed,
    /// The socket did not answer in time, or not at all.
    Unreachable,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 4] = [Self::Missing, Self::Unreadable, Self::Malformed, Self::Unreachable];

    /// The value of the `reason` label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Unreadable => "unreadable",
            Self::Malformed => "malformed",
            Self::Unreachable => "unreachable",
        }
    }
}

/// Counts of failures; none ever falls.
#[derive(Debug, Default)]
pub struct Failures([[AtomicU64; Reason::ALL.len()]; Source::ALL.len()]);

impl Failures {
    pub(super) fn add(&self, source: Source, reason: Reason) {
        self.0[source as usize][reason as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How often a source failed for a reason.
    #[must_use]
    pub fn get(&self, source: Source, reason: Reason) -> u64 {
        self.0[source as usize][reason as usize].load(Ordering::Relaxed)
    }

    /// All counts, zeros included.
    pub fn iter(&self) -> impl Iterator<Item = (Source, Reason, u64)> {
        let pairs = Source::ALL.into_iter().flat_map(|source| Reason::ALL.map(|reason| (source, reason)));
        pairs.map(|(source, reason)| (source, reason, self.get(source, reason)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_each_pair_by_itself() {
        let failures = Failures::default();
        failures.add(Source::Oci, Reason::Missing);
        failures.add(Source::Oci, Reason::Missing);
        failures.add(Source::Docker, Reason::Malformed);
        let counts = failures.iter().filter(|(_, _, count)| *count > 0);
        let counts: Vec<_> = counts.map(|(source, reason, count)| (source.name(), reason.name(), count)).collect();
        assert_eq!(counts, [("docker", "malformed", 1), ("oci", "missing", 2)]);
        assert_eq!(failures.iter().count(), Source::ALL.len() * Reason::ALL.len());
    }
}
