//! What one source tells of a container, and how several are put together.

use std::{collections::BTreeMap, time::SystemTime};

use super::{Identity, Runtime, Scope, failures::Source};

/// What a source tells of a container. What it does not tell is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Whether it is a container, or the sandbox of a pod: [`Scope::Container`] or [`Scope::Pod`].
    pub scope: Option<Scope>,
    /// The runtime.
    pub runtime: Option<Runtime>,
    /// The container's id.
    pub container_id: String,
    /// The container's name.
    pub container: String,
    /// The pod's name.
    pub pod: String,
    /// The pod's namespace.
    pub namespace: String,
    /// The pod's uid.
    pub pod_uid: String,
    /// The image as the container's creator named it.
    pub image: String,
    /// The image's id.
    pub image_id: String,
    /// The container's labels.
    pub container_labels: BTreeMap<String, String>,
    /// The pod's labels.
    pub pod_labels: BTreeMap<String, String>,
    /// When the container started.
    pub started: Option<SystemTime>,
    /// How the container ended.
    pub end: Option<End>,
}

/// How a container ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// The exit status of its first process; 128 and the signal's number for one that a signal ended.
    pub exit_code: i32,
    /// Whether the OOM killer ended it.
    pub oom_killed: bool,
}

/// The facts of several sources about one container, put together field by field: the first that tells a field wins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// Who it is.
    pub identity: Identity,
    /// When it started.
    pub started: Option<SystemTime>,
    /// How it ended.
    pub end: Option<End>,
    /// Who told each field, by the field's name.
    pub told: Vec<(&'static str, Source)>,
}

impl Merged {
    /// Adds what a source tells and the ones before did not.
    pub fn add(&mut self, source: Source, facts: Facts) {
        let Facts {
            scope,
            runtime,
            container_id,
            container,
            pod,
            namespace,
            pod_uid,
            image,
            image_id,
            container_labels,
            pod_labels,
            started,
            end,
        } = facts;
        let Self { identity, told, .. } = self;
        if let Some(runtime) = runtime
            && !is_told(told, RUNTIME)
        {
            identity.runtime = Some(runtime);
            told.push((RUNTIME, source));
        }
        if scope == Some(Scope::Pod) {
            identity.scope = Scope::Pod;
        } else if scope == Some(Scope::Container) && identity.scope == Scope::Host {
            identity.scope = Scope::Container;
        }
        for (name, field, value) in [
            ("container_id", &mut identity.container_id, container_id),
            ("container", &mut identity.container, container),
            ("pod", &mut identity.pod, pod),
            ("namespace", &mut identity.namespace, namespace),
            ("pod_uid", &mut identity.pod_uid, pod_uid),
            ("image", &mut identity.image, image),
            ("image_id", &mut identity.image_id, image_id),
        ] {
            if field.is_empty() && !value.is_empty() {
                *field = value;
                told.push((name, source));
            }
        }
        for (name, field, value) in [
            ("container_labels", &mut identity.container_labels, container_labels),
            ("pod_labels", &mut identity.pod_labels, pod_labels),
        ] {
            if field.is_empty() && !value.is_empty() {
                *field = value;
                told.push((name, source));
            }
        }
        if self.started.is_none() && started.is_some() {
            self.started = started;
            told.push(("started", source));
        }
        self.end = self.end.or(end);
    }
}

const RUNTIME: &str = "runtime";

fn is_told(told: &[(&'static str, Source)], field: &str) -> bool {
    told.iter().any(|(name, _)| *name == field)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Runtime;

    #[test]
    fn the_first_that_tells_a_field_wins() {
        let mut merged = Merged::default();
        merged.identity.runtime = Some(Runtime::Containerd);
        let labels = BTreeMap::from([("team".to_owned(), "core".to_owned())]);
        merged.add(
            Source::Docker,
            Facts { runtime: Some(Runtime::Docker), container: "web".to_owned(), ..Facts::default() },
        );
        merged.add(
            Source::DockerApi,
            Facts {
                runtime: Some(Runtime::Podman),
                container: "other".to_owned(),
                image: "nginx".to_owned(),
                container_labels: labels.clone(),
                end: Some(End { exit_code: 137, oom_killed: true }),
                ..Facts::default()
            },
        );
        let Merged { identity, started, end, told } = merged;
        assert_eq!((identity.runtime, identity.container.as_str()), (Some(Runtime::Docker), "web"));
        assert_eq!((identity.image.as_str(), identity.container_labels), ("nginx", labels));
        assert_eq!((started, end), (None, Some(End { exit_code: 137, oom_killed: true })));
        let by = |name| told.iter().find(|(field, _)| *field == name).map(|(_, source)| *source);
        assert_eq!(
            ["runtime", "container", "image"].map(by),
            [Source::Docker, Source::Docker, Source::DockerApi].map(Some)
        );
        assert_eq!(by("pod"), None);
    }
}
