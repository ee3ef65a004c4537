//! What a trace asks for, as it is written in the configuration and at the API.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    error::SpecError,
    plan::{self, Plan},
    rules,
    selector::LabelSelector,
};
use crate::filter::WrittenRule;

/// What a trace asks for: of whom, and what. Its fields are written as Kubernetes writes them, such as `labelSelector`.
///
/// Everything that is said about the owner must hold. Without anything of it, a trace is about the whole machine, processes of
/// the host included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Spec {
    /// Labels of containers, else of their pods.
    #[serde(skip_serializing_if = "LabelSelector::is_empty")]
    pub label_selector: LabelSelector,
    /// Fields of pods, such as `metadata.namespace=shop,metadata.name!=web-0`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub field_selector: String,
    /// Names of containers, in which `*` stands for any text. One is enough.
    #[serde(alias = "hostSelector", skip_serializing_if = "Vec::is_empty")]
    pub containers: Vec<String>,
    /// The pods' namespace.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// The path of a cgroup, from the root of the hierarchy: of it and of those below it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cgroup: String,
    /// The id of the process, in the first PID namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// Kinds of events, by name. `signal` is `signal_generate` and `signal_deliver`. There is at least one of these, or of the
    /// system calls or tracepoints.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<String>,
    /// System calls by names and patterns; `all` is all of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub syscalls: Vec<String>,
    /// Tracepoints by names and patterns, such as `sched:sched_process_fork` and `block:*`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tracepoints: Vec<String>,
    /// Whether system calls have durations. Without it, each call of the machine takes less time while they are traced; those
    /// that cannot be told without their beginning, such as `execve`, have theirs in any case.
    #[serde(skip_serializing_if = "is_default")]
    pub durations: bool,
    /// Rules for the events that are wanted; without any, all are.
    #[serde(with = "rules", skip_serializing_if = "Vec::is_empty")]
    pub select: Vec<WrittenRule>,
    /// Rules for the events that are not wanted, even if they are selected.
    #[serde(with = "rules", skip_serializing_if = "Vec::is_empty")]
    pub drop: Vec<WrittenRule>,
    /// One in how many of the events that are left is handed out.
    pub sample_rate: u32,
    /// How long it runs; without it, until it is deleted.
    #[serde(with = "duration", skip_serializing_if = "Option::is_none")]
    pub duration: Option<Duration>,
}

/// Whether calls have durations as they do unless it is said.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_default(durations: &bool) -> bool {
    *durations
}

impl Default for Spec {
    /// Of anybody, but nothing: what is wanted is to be filled in.
    fn default() -> Self {
        Self {
            label_selector: LabelSelector::default(),
            field_selector: String::new(),
            containers: Vec::new(),
            namespace: String::new(),
            cgroup: String::new(),
            pid: None,
            events: Vec::new(),
            syscalls: Vec::new(),
            tracepoints: Vec::new(),
            durations: true,
            select: Vec::new(),
            drop: Vec::new(),
            sample_rate: 1,
            duration: None,
        }
    }
}

impl Spec {
    /// Checks what it means, for a trace of this name. Whether the kernel has its tracepoints is not looked at.
    ///
    /// # Errors
    ///
    /// When something makes no sense.
    pub fn check(&self, name: &str) -> Result<(), SpecError> {
        plan::name(name)?;
        Plan::of(self, &()).map(drop)
    }

    /// What a tree of JSON or YAML asks for. [`Self::check`] checks what it means.
    ///
    /// # Errors
    ///
    /// When it has a field that does not exist, or a value of another type.
    pub fn read(written: &Value) -> Result<Self, SpecError> {
        serde_path_to_error::deserialize(written).map_err(|error| {
            let (path, reason) = (error.path().to_string(), error.inner().to_string());
            // A field that does not exist is told by its section.
            let unknown = reason.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next());
            let field = match (path.as_str(), unknown) {
                (".", Some(unknown)) => unknown.to_owned(),
                (path, Some(unknown)) if !path.ends_with(unknown) => format!("{path}.{unknown}"),
                (path, _) => path.to_owned(),
            };
            SpecError { field, reason }
        })
    }
}

/// A length of time as a text such as `1m 30s`.
pub(super) mod duration {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    pub(in super::super) fn serialize<S: Serializer>(
        duration: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match duration {
            Some(duration) => serializer.collect_str(&humantime::format_duration(*duration)),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
        let duration = humantime::parse_duration(&text);
        let expected = || D::Error::custom(format_args!("`{text}`: expected a duration such as `30s` or `5m`"));
        duration.map(Some).map_err(|_| expected())
    }
}
