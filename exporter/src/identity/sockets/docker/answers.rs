//! What the engine answers, as far as it is of use here. What is absent or null is empty.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use serde::Deserialize;

use crate::identity::{
    Runtime, Scope,
    facts::{End, Facts},
    kubelet::{Kubelet, pod_labels},
};

/// `/version`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Version {
    components: Option<Vec<Component>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Component {
    name: Option<String>,
}

impl Version {
    /// The engine that speaks.
    pub(super) fn runtime(&self) -> Runtime {
        let mut names = self.components.iter().flatten().filter_map(|component| component.name.as_deref());
        if names.any(|name| name == "Podman Engine") { Runtime::Podman } else { Runtime::Docker }
    }
}

/// An entry of `/containers/json`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Listed {
    pub(super) id: String,
    names: Option<Vec<String>>,
    image: Option<String>,
    #[serde(rename = "ImageID")]
    image_id: Option<String>,
    labels: Option<BTreeMap<String, String>>,
}

impl Listed {
    /// Whether it is the sandbox of a pod.
    pub(super) fn is_sandbox(&self) -> bool {
        self.labels.as_ref().and_then(Kubelet::read).is_some_and(|kubelet| kubelet.is_sandbox)
    }

    /// The sandbox of its pod.
    pub(super) fn sandbox_id(&self) -> Option<String> {
        self.labels.as_ref().and_then(Kubelet::read).map(|kubelet| kubelet.sandbox_id).filter(|id| !id.is_empty())
    }

    /// Says who it is.
    pub(super) fn describe(self, facts: &mut Facts) {
        let Self { id, names, image, image_id, labels } = self;
        let labels = labels.unwrap_or_default();
        facts.container_id = id;
        facts.scope = Some(Scope::Container);
        // Other names are links from other containers: `/other/alias`.
        let names = names.unwrap_or_default();
        let own = names.iter().map(|name| name.strip_prefix('/').unwrap_or(name)).find(|name| !name.contains('/'));
        if let Some(own) = own {
            own.clone_into(&mut facts.container);
        }
        facts.image = image.unwrap_or_default();
        facts.image_id = image_id.unwrap_or_default();
        if let Some(kubelet) = Kubelet::read(&labels) {
            describe_pod(kubelet, facts);
            if facts.scope == Some(Scope::Pod) {
                facts.pod_labels = pod_labels(labels);
                return;
            }
        }
        facts.container_labels = labels;
    }
}

fn describe_pod(kubelet: Kubelet, facts: &mut Facts) {
    let Kubelet { is_sandbox, pod, namespace, pod_uid, container, sandbox_id: _ } = kubelet;
    (facts.pod, facts.namespace, facts.pod_uid) = (pod, namespace, pod_uid);
    if is_sandbox {
        facts.scope = Some(Scope::Pod);
        facts.container.clear();
    } else if !container.is_empty() {
        facts.container = container;
    }
}

/// `/containers/{id}/json`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Inspected {
    state: Option<State>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct State {
    #[serde(default)]
    running: bool,
    #[serde(default, rename = "OOMKilled")]
    oom_killed: bool,
    exit_code: Option<i32>,
    started_at: Option<String>,
}

impl Inspected {
    /// Says when it started, and how it ended. One that never ran has neither.
    pub(super) fn describe(self, facts: &mut Facts) {
        let Some(State { running, oom_killed, exit_code, started_at }) = self.state else { return };
        (facts.started, facts.end) = (None, None);
        let Some(started) = started_at.and_then(|text| time(&text)) else { return };
        if running {
            facts.started = Some(started);
        } else {
            facts.end = exit_code.map(|exit_code| End { exit_code, oom_killed });
        }
    }
}

/// A time as engines write it; nothing for the zero time that stands for never. Docker writes UTC, podman an offset.
fn time(text: &str) -> Option<SystemTime> {
    let (date, clock) = text.split_once('T')?;
    let Some(sign) = clock.find(['+', '-']) else { return humantime::parse_rfc3339(text).ok() };
    let (clock, offset) = clock.split_at(sign);
    let (hours, minutes) = offset[1..].split_once(':')?;
    let offset_minutes = u64::from(hours.parse::<u8>().ok()?) * 60 + u64::from(minutes.parse::<u8>().ok()?);
    let local = humantime::parse_rfc3339(&format!("{date}T{clock}Z")).ok()?;
    let shift = Duration::from_secs(offset_minutes * 60);
    if offset.starts_with('+') { local.checked_sub(shift) } else { local.checked_add(shift) }
}

/// A line of `/events`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Event {
    action: Option<String>,
    actor: Option<Actor>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Actor {
    #[serde(rename = "ID")]
    id: Option<String>,
    attributes: Option<BTreeMap<String, String>>,
}

/// What happened to a container.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// It is there now, or has another name.
    Named,
    /// Its first process runs.
    Started,
    /// The OOM killer was there.
    Oom,
    /// Its first process ended.
    Died { exit_code: Option<i32> },
    /// It is removed.
    Destroyed,
}

impl Event {
    /// The container's id, and what happened to it; nothing when it is of no use here.
    pub(super) fn change(self) -> Option<(String, Change)> {
        let Actor { id, attributes } = self.actor?;
        let change = match self.action?.as_str() {
            "create" | "rename" => Change::Named,
            "start" => Change::Started,
            "oom" => Change::Oom,
            "die" => {
                let attributes = attributes.unwrap_or_default();
                Change::Died { exit_code: attributes.get("exitCode").and_then(|code| code.parse().ok()) }
            }
            // The second is podman's.
            "destroy" | "remove" => Change::Destroyed,
            _ => return None,
        };
        Some((id?, change))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_times_of_docker_and_of_podman() {
        let utc = humantime::parse_rfc3339("2026-11-20T19:22:45.894105277Z").ok();
        for text in [
            "2026-11-20T19:22:45.894105277Z",
            "2026-11-20T21:22:45.894105277+02:00",
            "2026-11-20T13:52:45.894105277-05:30",
        ] {
            assert_eq!(time(text), utc, "{text}");
        }
        for text in ["", "soon", "0001-01-01T00:00:00Z", "2026-11-20T19:22:45+", "2026-11-20T19:22:45+é:00", "T+00:00"]
        {
            assert_eq!(time(text), None, "{text}");
        }
    }

    #[test]
    fn takes_nulls_and_absent_parts() {
        for text in [r#"{"Id":"x"}"#, r#"{"Id":"x","Names":null,"Image":null,"ImageID":null,"Labels":null}"#] {
            let mut facts = Facts::default();
            serde_json::from_str::<Listed>(text).expect("an entry").describe(&mut facts);
            let scope = Some(Scope::Container);
            assert_eq!(facts, Facts { scope, container_id: "x".to_owned(), ..Facts::default() });
        }
        for text in ["{}", r#"{"State":null}"#, r#"{"State":{"ExitCode":null,"StartedAt":null}}"#] {
            let mut facts = Facts::default();
            serde_json::from_str::<Inspected>(text).expect("a container").describe(&mut facts);
            assert_eq!(facts, Facts::default());
        }
        for text in ["{}", r#"{"Components":null}"#, r#"{"Components":[{}]}"#] {
            assert_eq!(serde_json::from_str::<Version>(text).expect("a version").runtime(), Runtime::Docker);
        }
    }

    #[test]
    fn one_that_never_ran_has_neither_start_nor_end() {
        let text = r#"{"State":{"Running":false,"ExitCode":0,"StartedAt":"0001-01-01T00:00:00Z"}}"#;
        let mut facts = Facts { started: Some(SystemTime::UNIX_EPOCH), ..Facts::default() };
        serde_json::from_str::<Inspected>(text).expect("a container").describe(&mut facts);
        assert_eq!(facts, Facts::default());
    }

    #[test]
    fn an_end_without_a_code_is_none() {
        for code in ["", "x", "99999999999"] {
            let event = serde_json::json!({
                "Action": "die", "Actor": { "ID": "x", "Attributes": { "exitCode": code } },
            });
            let event: Event = serde_json::from_value(event).expect("an event");
            assert_eq!(event.change(), Some(("x".to_owned(), Change::Died { exit_code: None })));
        }
    }

    proptest! {
        #[test]
        fn takes_any_time(text in any::<String>(), offset in "[+-]\\PC{0,6}") {
            time(&text);
            time(&format!("2026-11-20T19:22:45{offset}"));
        }
    }
}
