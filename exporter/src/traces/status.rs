//! What became of a trace.

use std::time::{Duration, SystemTime};

use serde::{Serialize, Serializer};

use super::spec::{Spec, duration};
use crate::identity::{Identity, Scope};

/// A trace: what it asks for, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trace {
    /// Its name, which no other one has.
    pub name: String,
    /// What it asks for.
    pub spec: Spec,
    /// What became of it.
    pub status: Status,
}

/// What became of a trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// How far it is.
    pub phase: Phase,
    /// Why it failed, or what of it does not work; empty otherwise.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// When it was created.
    #[serde(serialize_with = "moment")]
    pub created: SystemTime,
    /// Since when the kernel is asked for events.
    #[serde(serialize_with = "optional_moment", skip_serializing_if = "Option::is_none")]
    pub started: Option<SystemTime>,
    /// When its time was over, or it failed.
    #[serde(serialize_with = "optional_moment", skip_serializing_if = "Option::is_none")]
    pub completed: Option<SystemTime>,
    /// How long it is to run, if its time is limited.
    #[serde(with = "duration", skip_serializing_if = "Option::is_none")]
    pub duration: Option<Duration>,
    /// How long it has run.
    #[serde(serialize_with = "length")]
    pub elapsed: Duration,
    /// The containers that it is about now.
    pub containers: Vec<Container>,
    /// The containers that it ever was about, the latest thousand.
    pub matched_containers: Vec<Container>,
    /// Events that it is about and that its rules let pass.
    pub hits: u64,
    /// Those of them that are in its sample.
    pub events: u64,
    /// Events of its kinds and containers that found no room on their way from the kernel.
    pub lost: u64,
    /// Events that readers missed because they were slow, all readers taken together.
    pub missed: u64,
}

/// How far a trace is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Phase {
    /// The kernel is not asked yet.
    Pending,
    /// The kernel is asked.
    Running,
    /// Its time is over.
    Complete,
    /// The kernel cannot be asked; the message says why.
    Failed,
}

impl Phase {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Complete => "Complete",
            Self::Failed => "Failed",
        }
    }
}

/// A container. Two of one name in two namespaces are two.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Container {
    /// The pod's namespace.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// The pod.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub pod: String,
    /// The container's name.
    pub name: String,
    /// The container's id.
    pub id: String,
}

impl Container {
    /// The container that an owner is; nothing when it is none.
    #[must_use]
    pub fn of(identity: &Identity) -> Option<Self> {
        let Identity { scope, namespace, pod, container, container_id, .. } = identity;
        (*scope == Scope::Container).then(|| Self {
            namespace: namespace.clone(),
            pod: pod.clone(),
            name: container.clone(),
            id: container_id.clone(),
        })
    }
}

/// All traces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct List {
    /// Those that are pending or running, by name.
    pub running: Vec<Trace>,
    /// Those that are complete or have failed, the latest first. There is a limit to how many are kept.
    pub completed: Vec<Trace>,
}

fn moment<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&humantime::format_rfc3339_millis((*time).max(SystemTime::UNIX_EPOCH)))
}

fn optional_moment<S: Serializer>(time: &Option<SystemTime>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => moment(time, serializer),
        None => serializer.serialize_none(),
    }
}

fn length<S: Serializer>(length: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    let millis = Duration::from_millis(length.as_millis() as u64);
    serializer.collect_str(&humantime::format_duration(millis))
}
