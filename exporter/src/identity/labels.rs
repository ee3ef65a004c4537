//! The labels that tell whose row it is.

use std::sync::Arc;

use super::{Identity, Runtime};

/// The longest value of a label that a container or pod brings along, in bytes; longer ones are cut.
pub const VALUE_BYTES: usize = 256;

/// What a container's information metric says of it behind the identity labels.
pub const DESCRIPTION: [&str; 7] = ["runtime", "image", "image_id", "pod_uid", "qos", "cgroup_id", "cgroup_path"];

/// A label that the rows of a container can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IdentityLabel {
    /// The pod's namespace.
    Namespace,
    /// The pod.
    Pod,
    /// The container's name.
    Container,
    /// The container's id.
    ContainerId,
    /// The runtime.
    Runtime,
    /// The pod's uid.
    PodUid,
    /// The image.
    Image,
}

impl IdentityLabel {
    /// Every label.
    pub const ALL: [Self; 7] =
        [Self::Namespace, Self::Pod, Self::Container, Self::ContainerId, Self::Runtime, Self::PodUid, Self::Image];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Namespace => "namespace",
            Self::Pod => "pod",
            Self::Container => "container",
            Self::ContainerId => "container_id",
            Self::Runtime => "runtime",
            Self::PodUid => "pod_uid",
            Self::Image => "image",
        }
    }

    /// Its value for an owner.
    #[must_use]
    pub fn value(self, identity: &Identity) -> &str {
        match self {
            Self::Namespace => &identity.namespace,
            Self::Pod => &identity.pod,
            Self::Container => &identity.container,
            Self::ContainerId => &identity.container_id,
            Self::Runtime => identity.runtime.map_or("", Runtime::name),
            Self::PodUid => &identity.pod_uid,
            Self::Image => &identity.image,
        }
    }
}

/// A label that containers or pods bring along and that rows show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtraLabel {
    /// Its name at the container or pod.
    pub key: String,
    /// Its name at the rows.
    pub label: String,
}

impl ExtraLabel {
    /// Its value for an owner: the container's, else the pod's, else empty.
    #[must_use]
    pub fn value<'a>(&self, identity: &'a Identity) -> &'a str {
        brought(identity, &self.key).map_or("", cut)
    }
}

/// The labels of every row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowLabels {
    /// Those of the identity.
    pub identity: Vec<IdentityLabel>,
    /// Whether the label `unit` tells the systemd units of the host apart.
    pub unit: bool,
    /// Those that containers or pods bring along.
    pub extra: Vec<ExtraLabel>,
}

impl RowLabels {
    /// The name of the label for systemd units.
    pub const UNIT: &'static str = "unit";

    /// Their names, in the order of [`RowLabels::values`].
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let Self { identity, unit, extra } = self;
        let identity = identity.iter().map(|label| label.name());
        identity.chain(unit.then_some(Self::UNIT)).chain(extra.iter().map(|label| label.label.as_str()))
    }

    /// Their values for an owner.
    #[must_use]
    pub fn values(&self, owner: &Identity) -> Arc<[String]> {
        let Self { identity, unit, extra } = self;
        let identity = identity.iter().map(|label| label.value(owner));
        let values = identity.chain(unit.then_some(owner.unit.as_str())).chain(extra.iter().map(|e| e.value(owner)));
        values.map(str::to_owned).collect()
    }

    /// The values of the labels that containers or pods bring along.
    #[must_use]
    pub fn extra_values(&self, owner: &Identity) -> Arc<[String]> {
        self.extra.iter().map(|label| label.value(owner).to_owned()).collect()
    }
}

/// The value of a label of the container, else of its pod.
#[must_use]
pub fn brought<'a>(identity: &'a Identity, key: &str) -> Option<&'a str> {
    identity.container_labels.get(key).or_else(|| identity.pod_labels.get(key)).map(String::as_str)
}

/// A value without what is longer than [`VALUE_BYTES`].
#[must_use]
pub fn cut(value: &str) -> &str {
    &value[..value.floor_char_boundary(VALUE_BYTES)]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn names_and_values_go_together() {
        let extra = |key: &str| ExtraLabel { key: key.to_owned(), label: key.to_uppercase() };
        let row = RowLabels {
            identity: vec![IdentityLabel::Pod, IdentityLabel::Container],
            unit: true,
            extra: vec![extra("team"), extra("app"), extra("none")],
        };
        let owner = Identity {
            pod: "cart".to_owned(),
            container: "web".to_owned(),
            unit: "a.service".to_owned(),
            container_labels: labels(&[("team", "blue")]),
            pod_labels: labels(&[("team", "red"), ("app", "shop")]),
            ..Identity::default()
        };
        assert_eq!(row.names().collect::<Vec<_>>(), ["pod", "container", "unit", "TEAM", "APP", "NONE"]);
        assert_eq!(row.values(&owner)[..], ["cart", "web", "a.service", "blue", "shop", ""]);
        assert_eq!(row.extra_values(&owner)[..], ["blue", "shop", ""]);
        let short = RowLabels { unit: false, extra: Vec::new(), ..row };
        assert_eq!(short.names().collect::<Vec<_>>(), ["pod", "container"]);
        assert_eq!(short.values(&owner)[..], ["cart", "web"]);
    }

    #[test]
    fn long_values_are_cut_between_characters() {
        for (value, length) in [
            ("a".repeat(256), 256),
            ("a".repeat(257), 256),
            ("ä".repeat(129), 256),
            (format!("a{}", "ä".repeat(200)), 255),
        ] {
            assert_eq!(cut(&value), &value[..length]);
        }
    }
}
