//! The labels that tell whose row it is.

use std::collections::BTreeMap;

use super::error::{Error, quoted};
use crate::{
    identity::labels::{DESCRIPTION, ExtraLabel, IdentityLabel, RowLabels},
    probes,
};

/// A label of the container that its information metric shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerLabel {
    /// Its name at the container.
    pub key: String,
    /// Its name at the metric: `container_label_` and the key with `_` for whatever a label name cannot have.
    pub label: String,
}

/// The labels of every row. The extra ones must not have a name that some metric already has for something else.
pub(super) fn row_labels(
    identity: &[String],
    unit: bool,
    extra: &[String],
    container_labels: &[ContainerLabel],
) -> Result<RowLabels, Error> {
    const KEY: &str = "identity.extra_labels";
    let mut taken = taken(container_labels);
    let mut labels = Vec::new();
    for key in extra.iter().map(|key| key.trim()) {
        if key.is_empty() {
            return Err(Error::value(KEY, key, "the name of a label of containers or pods"));
        }
        let label = name(key);
        let refused = |why: String| Err(Error::value(KEY, key, format!("names that are free as metric labels: {why}")));
        if label.starts_with("sender_") {
            return refused(format!("`{label}` begins like the labels of a signal's sender"));
        }
        if label.starts_with("__") || ["le", "quantile"].contains(&label.as_str()) {
            return refused(format!("`{label}` means something to Prometheus"));
        }
        if let Some(owner) = taken.insert(label.clone(), format!("`{key}` as a metric label")) {
            return refused(format!("`{label}` is {owner}"));
        }
        labels.push(ExtraLabel { key: key.to_owned(), label });
    }
    Ok(RowLabels { identity: identity_labels(identity)?, unit, extra: labels })
}

/// The labels that metrics have already, and whose they are.
fn taken(container_labels: &[ContainerLabel]) -> BTreeMap<String, String> {
    let families = probes::all_families().flat_map(|family| family.labels.iter().map(|label| (*label, family.name)));
    let mut taken: BTreeMap<_, _> =
        families.map(|(label, family)| (label.to_owned(), format!("a label of `{family}_total`"))).collect();
    let described = DESCRIPTION.into_iter().chain(container_labels.iter().map(|label| label.label.as_str()));
    taken.extend(described.map(|label| (label.to_owned(), "a label of `doubleslit_container_info`".to_owned())));
    let identity = IdentityLabel::ALL.map(IdentityLabel::name).into_iter().chain([RowLabels::UNIT]);
    taken.extend(identity.map(|label| (label.to_owned(), "a label of the identity".to_owned())));
    taken
}

/// A key with `_` for whatever a label name cannot have.
fn plain(key: &str) -> String {
    key.replace(|c: char| !c.is_ascii_alphanumeric(), "_")
}

/// The same, as a whole name.
fn name(key: &str) -> String {
    let label = plain(key);
    if label.starts_with(|c: char| c.is_ascii_digit()) { format!("_{label}") } else { label }
}

fn identity_labels(written: &[String]) -> Result<Vec<IdentityLabel>, Error> {
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
        let label = format!("container_label_{}", plain(key));
        if let Some(other) = taken.insert(label.clone(), key) {
            let expected = format!("names that differ as metric labels: `{other}` is `{label}` too");
            return Err(Error::value(KEY, key, expected));
        }
        labels.push(ContainerLabel { key: key.to_owned(), label });
    }
    Ok(labels)
}
