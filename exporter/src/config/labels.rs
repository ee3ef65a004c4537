//! The labels that tell whose row it is.

use std::collections::BTreeMap;

use super::error::{Error, quoted};
use crate::identity::labels::IdentityLabel;

/// A label of the container that its information metric shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerLabel {
    /// Its name at the container.
    pub key: String,
    /// Its name at the metric: `container_label_` and the key with `_` for whatever a label name cannot have.
    pub label: String,
}

pub(super) fn identity_labels(written: &[String]) -> Result<Vec<IdentityLabel>, Error> {
    const KEY: &str = "identity.labels";
    let mut labels = Vec::new();
    for name in written.iter().map(|name| name.trim()) {
        let Some(label) = IdentityLabel::ALL.into_iter().find(|label| label.name() == name) else {
            let allowed = quoted(IdentityLabel::ALL.map(IdentityLabel::name));
            return Err(Error::value(KEY, name, format!("a list of {allowed}")));
        };
        if labels.contains(&label) {
            return Err(Error::value(KEY, name, "each label once"));
        }
        labels.push(label);
    }
    if labels.is_empty() {
        let allowed = quoted(IdentityLabel::ALL.map(IdentityLabel::name));
        return Err(Error::value(KEY, "[]", format!("at least one of {allowed}")));
    }
    Ok(labels)
}

pub(super) fn container_labels(written: &[String]) -> Result<Vec<ContainerLabel>, Error> {
    const KEY: &str = "identity.container_labels";
    let mut taken = BTreeMap::<String, &str>::new();
    let mut labels = Vec::new();
    for key in written.iter().map(|key| key.trim()) {
        if key.is_empty() {
            return Err(Error::value(KEY, key, "the name of a container's label"));
        }
        let sanitised = key.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        let label = format!("container_label_{sanitised}");
        if let Some(other) = taken.insert(label.clone(), key) {
            let expected = format!("names that differ as metric labels: `{other}` is `{label}` too");
            return Err(Error::value(KEY, key, expected));
        }
        labels.push(ContainerLabel { key: key.to_owned(), label });
    }
    Ok(labels)
}
