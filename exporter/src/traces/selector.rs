//! Selectors of containers, as Kubernetes has them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::error::SpecError;
use crate::identity::{Identity, labels::brought};

/// Selects by labels of the container, else of its pod. All that is asked must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LabelSelector {
    /// Labels and the values that they must have.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub match_labels: BTreeMap<String, String>,
    /// What else must hold of labels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub match_expressions: Vec<Expression>,
}

/// What must hold of a label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expression {
    /// The label.
    pub key: String,
    /// What must hold of it.
    pub operator: Operator,
    /// The values that [`Operator::In`] and [`Operator::NotIn`] mean; none for the others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// What must hold of a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operator {
    /// It has one of the values.
    In,
    /// It has none of the values, or is not there.
    NotIn,
    /// It is there.
    Exists,
    /// It is not there.
    DoesNotExist,
}

impl LabelSelector {
    /// Whether this selects everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.match_labels.is_empty() && self.match_expressions.is_empty()
    }

    /// Whether an owner has labels like this.
    #[must_use]
    pub fn matches(&self, identity: &Identity) -> bool {
        self.match_labels.iter().all(|(key, value)| brought(identity, key) == Some(value))
            && self.match_expressions.iter().all(|expression| expression.holds(identity))
    }

    /// Checks what stands at `field`.
    pub(super) fn check(&self, field: &str) -> Result<(), SpecError> {
        if self.match_labels.contains_key("") {
            return Err(SpecError::value(format!("{field}.matchLabels"), "", "labels that have a name"));
        }
        for (position, Expression { key, operator, values }) in self.match_expressions.iter().enumerate() {
            let field = format!("{field}.matchExpressions[{position}]");
            let has_values = matches!(operator, Operator::In | Operator::NotIn);
            if key.is_empty() {
                return Err(SpecError::value(format!("{field}.key"), key, "the name of a label"));
            }
            if values.is_empty() == has_values {
                let expected = if has_values {
                    "at least one value with `In` and `NotIn`"
                } else {
                    "none with `Exists` and `DoesNotExist`"
                };
                return Err(SpecError::value(format!("{field}.values"), format!("[{}]", values.join(", ")), expected));
            }
        }
        Ok(())
    }
}

impl Expression {
    fn holds(&self, identity: &Identity) -> bool {
        let Self { key, operator, values } = self;
        let value = brought(identity, key);
        let is_among = value.is_some_and(|value| values.iter().any(|other| other == value));
        match operator {
            Operator::In => is_among,
            Operator::NotIn => !is_among,
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
        }
    }
}

/// Selects by fields of the pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FieldSelector(Vec<Condition>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Condition {
    field: PodField,
    is_equal: bool,
    value: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PodField {
    Name,
    Namespace,
    Uid,
}

impl FieldSelector {
    /// What a text such as `metadata.namespace=shop,metadata.name!=web-0` means, which stands at `field`.
    pub(super) fn parse(text: &str, field: &str) -> Result<Self, SpecError> {
        let conditions = text.split(',').map(str::trim).filter(|condition| !condition.is_empty()).map(|condition| {
            Condition::parse(condition).ok_or_else(|| {
                let expected = "`metadata.name`, `metadata.namespace` or `metadata.uid`, then `=` or `!=` and a value";
                SpecError::value(field, condition, expected)
            })
        });
        conditions.collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn matches(&self, identity: &Identity) -> bool {
        self.0.iter().all(|Condition { field, is_equal, value }| {
            let told = match field {
                PodField::Name => &identity.pod,
                PodField::Namespace => &identity.namespace,
                PodField::Uid => &identity.pod_uid,
            };
            (told == value) == *is_equal
        })
    }
}

impl Condition {
    fn parse(text: &str) -> Option<Self> {
        let (name, value) = text.split_once('=')?;
        let value = value.strip_prefix('=').unwrap_or(value);
        let (name, is_equal) = name.strip_suffix('!').map_or((name, true), |name| (name, false));
        let field = match name.trim() {
            "metadata.name" => PodField::Name,
            "metadata.namespace" => PodField::Namespace,
            "metadata.uid" => PodField::Uid,
            _ => return None,
        };
        Some(Self { field, is_equal, value: value.trim().to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        let labels = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect::<BTreeMap<_, _>>()
        };
        Identity {
            pod: "web-0".to_owned(),
            namespace: "shop".to_owned(),
            pod_uid: "77".to_owned(),
            container_labels: labels(&[("tier", "front")]),
            pod_labels: labels(&[("app", "nginx"), ("tier", "back")]),
            ..Identity::default()
        }
    }

    #[test]
    fn labels_are_selected_as_in_kubernetes() {
        for (selector, expected) in [
            ("{}", true),
            (r#"{"matchLabels": {"app": "nginx"}}"#, true),
            (r#"{"matchLabels": {"tier": "front", "app": "nginx"}}"#, true),
            (r#"{"matchLabels": {"tier": "back"}}"#, false),
            (r#"{"matchLabels": {"app": "nginx", "team": "core"}}"#, false),
            (r#"{"matchExpressions": [{"key": "app", "operator": "In", "values": ["nginx", "httpd"]}]}"#, true),
            (r#"{"matchExpressions": [{"key": "team", "operator": "In", "values": ["core"]}]}"#, false),
            (r#"{"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["nginx"]}]}"#, false),
            (r#"{"matchExpressions": [{"key": "team", "operator": "NotIn", "values": ["core"]}]}"#, true),
            (r#"{"matchExpressions": [{"key": "app", "operator": "Exists"}]}"#, true),
            (r#"{"matchExpressions": [{"key": "team", "operator": "Exists"}]}"#, false),
            (r#"{"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]}"#, true),
            (r#"{"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}"#, false),
            (
                r#"{"matchLabels": {"app": "nginx"}, "matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["front"]}]}"#,
                false,
            ),
        ] {
            let selector: LabelSelector = serde_json::from_str(selector).expect("a selector");
            assert_eq!(selector.matches(&identity()), expected, "{selector:?}");
        }
    }

    #[test]
    fn fields_are_selected_as_in_kubernetes() {
        for (text, expected) in [
            ("", true),
            ("metadata.name=web-0", true),
            ("metadata.name==web-0, metadata.namespace=shop", true),
            ("metadata.name=web-0,metadata.namespace!=shop", false),
            ("metadata.uid=77", true),
            ("metadata.uid!=77", false),
            ("metadata.namespace=", false),
        ] {
            let selector = FieldSelector::parse(text, "fieldSelector").expect("a selector");
            assert_eq!(selector.matches(&identity()), expected, "{text}");
        }
        for text in ["metadata.name", "spec.nodeName=a", "=a"] {
            let error = FieldSelector::parse(text, "fieldSelector").expect_err("no selector");
            assert_eq!(
                error.to_string(),
                format!(
                    "invalid `fieldSelector`: `{text}`: expected `metadata.name`, `metadata.namespace` or `metadata.uid`, then `=` \
                     or `!=` and a value"
                )
            );
        }
    }
}
