//! Whose rows they are.

use std::{collections::HashMap, sync::Arc, time::UNIX_EPOCH};

use serde::Serialize;

use crate::{
    counts::snapshot::{Container, Snapshot, Subject},
    identity::{Runtime, Scope, labels::RowLabels},
    top::board,
};

/// What separates the labels of a key.
const SEPARATOR: &str = "\u{1f}";

/// What the page is told of an owner of rows.
#[derive(Debug, Serialize)]
pub(super) struct Shown<'a> {
    /// What it is asked for by: its labels.
    pub(super) key: String,
    name: String,
    scope: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    namespace: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pod: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    container: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    image: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    runtime: &'static str,
    /// Seconds of the wall clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    started: Option<u64>,
    running: bool,
    /// How many containers share the row.
    #[serde(skip_serializing_if = "is_one")]
    containers: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_one(containers: &usize) -> bool {
    *containers <= 1
}

/// What tells a row apart from all others.
pub(super) fn key(subject: &Subject) -> String {
    subject.labels.join(SEPARATOR)
}

/// The containers of a snapshot by their labels.
#[derive(Debug)]
pub(super) struct Owners<'a> {
    names: Vec<&'a str>,
    containers: HashMap<&'a Arc<[String]>, (&'a Container, usize)>,
}

impl<'a> Owners<'a> {
    pub(super) fn of(snapshot: &'a Snapshot) -> Self {
        let mut containers: HashMap<_, (&Container, usize)> = HashMap::new();
        for container in &snapshot.containers {
            let found = containers.entry(&container.labels).or_insert((container, 0));
            found.1 += 1;
            if container.running {
                found.0 = container;
            }
        }
        Self { names: snapshot.labels.names().collect(), containers }
    }

    pub(super) fn of_subject(&self, subject: &'a Subject) -> Shown<'a> {
        let found = self.containers.get(&subject.labels);
        let container = found.map(|(container, _)| *container);
        let identity = container.map(|container| &*container.identity);
        let label = |name: &str| {
            let at = self.names.iter().position(|other| *other == name);
            at.and_then(|at| subject.labels.get(at)).map_or("", String::as_str)
        };
        // The labels of rows are configurable; of one container all is known.
        let namespace = identity.map_or_else(|| label("namespace"), |identity| &identity.namespace);
        let pod = identity.map_or_else(|| label("pod"), |identity| &identity.pod);
        let name = identity.map_or_else(|| label("container"), |identity| &identity.container);
        let id = identity.map_or_else(|| label("container_id"), |identity| &identity.container_id);
        let unit = label(RowLabels::UNIT);
        let called = if subject.scope == Scope::Host && !unit.is_empty() {
            unit.to_owned()
        } else {
            board::name(subject.scope, namespace, pod, name, id)
        };
        let started = container.and_then(|container| container.started?.duration_since(UNIX_EPOCH).ok());
        Shown {
            key: key(subject),
            name: if called.is_empty() { subject.labels.join("/") } else { called },
            scope: subject.scope.name(),
            namespace,
            pod,
            container: name,
            id,
            image: identity.map_or("", |identity| &identity.image),
            runtime: identity.and_then(|identity| identity.runtime).map_or("", Runtime::name),
            started: started.map(|started| started.as_secs()),
            running: container.is_none_or(|container| container.running),
            containers: found.map_or(1, |(_, containers)| *containers),
        }
    }
}
