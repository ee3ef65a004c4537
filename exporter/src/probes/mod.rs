//! The table of probes: what each one hooks, what it needs of the kernel, and what its counts are called.

pub mod container;
pub mod exec;
pub mod exit;
pub mod fork;
pub mod lost;
pub mod oom;
pub mod signal;
pub mod socket_state;
pub mod syscall;
pub mod tcp;
pub mod tracepoint;

use doubleslit_common::kind::Kind;

/// Every probe, in the order in which documentation and status list them.
pub static PROBES: [&Probe; 9] = [
    &exec::PROBE,
    &fork::PROBE,
    &exit::PROBE,
    &oom::PROBE,
    &signal::PROBE,
    &socket_state::PROBE,
    &tcp::PROBE,
    &container::PROBE,
    &syscall::PROBE,
];

/// A unit that is switched on and off as one.
#[derive(Debug)]
pub struct Probe {
    /// Its name in the configuration and in the `probe` label.
    pub name: &'static str,
    /// What it counts, in one sentence.
    pub summary: &'static str,
    /// The programs that count.
    pub programs: &'static [Program],
    /// The programs that send single events. They are attached only for those who listen.
    pub events: &'static [Program],
    /// The metric families that its counts appear in.
    pub families: &'static [Family],
}

/// A BPF program and what it needs of the kernel.
#[derive(Debug)]
pub struct Program {
    /// The function in the BPF object.
    pub name: &'static str,
    /// The tracepoint that it is attached to, as BTF names it; empty for the program of tracepoints that the configuration
    /// names.
    pub tracepoint: &'static str,
    /// Symbols of the kernel fields that it cannot do without, see [`doubleslit_common::kernel_fields`].
    pub fields: &'static [&'static str],
    /// Symbols of tracepoint arguments that it cannot do without, see [`doubleslit_common::optional_arguments`].
    pub arguments: &'static [&'static str],
    /// The kinds that it counts or sends.
    pub kinds: &'static [Kind],
    /// Whether every run counts exactly one event, so that a run that the kernel skipped is one event too.
    pub each_run_counts: bool,
    /// What its records describe: the symbols of the kernel fields that it needs for that, as [`PROCESS_FIELDS`].
    pub describes: &'static [&'static [&'static str]],
}

/// Symbols of the kernel fields that describe a process in a record.
pub static PROCESS_FIELDS: &[&str] = &[
    "TASK_COMM",
    "TASK_CRED",
    "TASK_GROUP_LEADER",
    "TASK_NSPROXY",
    "TASK_PID",
    "TASK_REAL_PARENT",
    "TASK_SIGNAL",
    "TASK_START_BOOTTIME",
    "TASK_TGID",
    "TASK_THREAD_PID",
    "SIGNAL_PIDS",
    "SIGNAL_TTY",
    "CRED_UID",
    "CRED_GID",
    "CRED_SUID",
    "CRED_EUID",
    "CRED_EGID",
    "CRED_USER_NS",
    "PID_LEVEL",
    "PID_NUMBERS",
    "UPID_NR",
    "UPID_NS",
    "NSPROXY_UTS",
    "NSPROXY_IPC",
    "NSPROXY_MNT",
    "NSPROXY_NET",
    "NSPROXY_TIME",
    "NSPROXY_CGROUP",
    "UTS_NS_INUM",
    "IPC_NS_INUM",
    "MNT_NS_INUM",
    "NET_NS_INUM",
    "PID_NS_INUM",
    "USER_NS_INUM",
    "CGROUP_NS_INUM",
    "TIME_NS_INUM",
];

/// Symbols of the kernel fields that describe a socket, and its owner, in a record. Without those of IPv6 a kernel has no
/// such sockets.
pub static SOCKET_FIELDS: &[&str] = &[
    "CGROUP_KN",
    "KERNFS_NODE_ID",
    "NET_NS_INUM",
    "SOCK_CGROUP",
    "SOCK_FAMILY",
    "SOCK_LOCAL_IPV4",
    "SOCK_NET",
    "SOCK_PEER_IPV4",
    "SOCK_PEER_PORT",
    "SOCK_PROTOCOL",
    "INET_SOCK_LOCAL_PORT",
];

/// The values of a family's own labels, in the order of [`Family::labels`]; unused places are empty.
pub type Values = [&'static str; 4];

/// A counter family.
#[derive(Debug)]
pub struct Family {
    /// Its name, without `_total`.
    pub name: &'static str,
    /// Its help text: one sentence without the final full stop.
    pub help: &'static str,
    /// The kind of event that it counts.
    pub kind: Kind,
    /// Where its rows come from.
    pub source: Source,
    /// Its own labels, behind those of the identity.
    pub labels: &'static [&'static str],
    /// The label values of a detail; nothing for a detail that the family does not count.
    pub values: fn(u32) -> Option<Values>,
    /// The rows that every container has from its first sighting on, at 0 if need be.
    pub zeros: &'static [Values],
    /// Whether its rows add up to everything that was counted of the kind. Exactly one family of a kind is whole.
    pub whole: bool,
}

/// Where the rows of a family come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// One row per identity and detail.
    Counts,
    /// One row per identity, detail and sender: the labels `sender_container` and `sender_namespace` come behind its own.
    Edges,
    /// One row per `namespace`, `pod`, `container` and `runtime`, without the container's id.
    Lifecycle,
}

/// The detail of events whose row could not be stored: every label of theirs is `other`.
pub const OTHER_DETAIL: u32 = u32::MAX;

/// The values of a family without labels of its own.
#[must_use]
pub fn no_labels(_detail: u32) -> Option<Values> {
    Some([""; 4])
}

/// The metric families of all probes, and that of what they cannot send.
pub fn families() -> impl Iterator<Item = &'static Family> {
    PROBES.iter().flat_map(|probe| probe.families).chain([&lost::FAMILY])
}

/// The same, and that of tracepoints, which are no probe.
pub fn all_families() -> impl Iterator<Item = &'static Family> {
    families().chain([&tracepoint::FAMILY])
}
