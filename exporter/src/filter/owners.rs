//! Which owners are wanted, whatever they do.

use std::sync::Arc;

use super::{Filter, FilterError, List, error::Place, kernel::bystander, rule};
use crate::identity::{CgroupId, Identity};

/// Which owners are wanted. The default is all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owners(Filter);

impl Owners {
    /// Those that a rule selects, or all if none is there to select, and that no rule drops.
    ///
    /// # Errors
    ///
    /// When a rule makes no sense, or looks at something else than an owner.
    pub fn new(select: List<'_>, drop: List<'_>) -> Result<Self, FilterError> {
        for list in [&select, &drop] {
            for rule in &list.rules {
                let place = Place { list: list.name, rule };
                rule.0
                    .keys()
                    .try_for_each(|field| rule::of_owner(field).map_err(|expected| place.field(field, expected)))?;
            }
        }
        Ok(Self(Filter::default().and(select, drop)?))
    }

    /// Whether all are wanted.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.0.layers.is_empty()
    }

    /// Whether the owner of a cgroup at this path is.
    #[must_use]
    pub fn wants(&self, cgroup: CgroupId, path: &Arc<str>, identity: &Arc<Identity>) -> bool {
        self.is_all() || self.0.passes(&bystander(cgroup, path, identity))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::WrittenRule;

    fn list(name: &'static str, rules: &[&str]) -> List<'static> {
        let rules = rules.iter().map(|rule| WrittenRule::parse(rule, name).expect("a rule")).collect();
        List { name, rules }
    }

    #[test]
    fn owners_by_name_namespace_and_label() {
        let owners = Owners::new(
            list("select", &["container=web-*", "namespace=shop,pod_label.app=cart"]),
            list("drop", &["container=web-2"]),
        );
        let owners = owners.expect("rules for owners");
        for (container, namespace, app, expected) in [
            ("web-1", "", "", true),
            ("web-2", "", "", false),
            ("db", "shop", "cart", true),
            ("db", "shop", "db", false),
            ("", "", "", false),
        ] {
            let identity = Identity {
                container: container.to_owned(),
                namespace: namespace.to_owned(),
                pod_labels: [("app".to_owned(), app.to_owned())].into(),
                ..Identity::default()
            };
            assert_eq!(owners.wants(CgroupId(7), &"/x".into(), &Arc::new(identity)), expected, "{container} {app}");
        }
        assert!(Owners::default().wants(CgroupId(7), &"/x".into(), &Arc::default()));
    }

    #[test]
    fn what_is_no_owner_s_is_refused() {
        for field in ["comm", "event", "uid", "no_such"] {
            let message = Owners::new(List::default(), list("drop", &[&format!("{field}=exec")]));
            let message = message.expect_err("no field of an owner").to_string();
            assert!(
                message.starts_with(&format!("no field `{field}` in rule `{field}=exec` of `drop`: expected ")),
                "{message}"
            );
        }
    }
}
