//! The rules of one list, compiled.

use doubleslit_common::kind::Kind;

use super::{error::FilterError, rule::Rule, written::WrittenRule};
use crate::events::{event::Event, fields::Field};

/// Rules of which one is enough.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules(Vec<Group>);

/// Rules that look at the same field first, if at any. Its value is made once for them: that takes longer than most tests.
#[derive(Clone, Debug)]
struct Group {
    field: Option<&'static Field>,
    rules: Vec<Rule>,
}

impl Rules {
    /// The rules of a list of this name.
    pub(super) fn compile(written: &[WrittenRule], list: &str) -> Result<Self, FilterError> {
        let mut groups: Vec<Group> = Vec::new();
        for rule in written {
            let rule = Rule::compile(rule, list)?;
            let field = rule.first_field();
            match groups.iter_mut().find(|group| group.field.map(|field| field.name) == field.map(|field| field.name)) {
                Some(group) => group.rules.push(rule),
                None => groups.push(Group { field, rules: vec![rule] }),
            }
        }
        Ok(Self(groups))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.0.iter().flat_map(|group| &group.rules)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an event of this kind can match one of them.
    pub(super) fn concerns(&self, kind: Kind) -> bool {
        self.iter().any(|rule| rule.concerns(kind))
    }

    /// Whether one of them matches.
    pub(super) fn any_matches(&self, event: &Event) -> bool {
        self.0.iter().any(|Group { field, rules }| {
            let value = field.and_then(|field| (field.value)(event));
            rules.iter().any(|rule| rule.matches(event, value.as_ref()))
        })
    }
}
