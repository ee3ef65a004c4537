//! A rule as it is written: in one text on the command line, or as fields and values in YAML.

use std::{collections::BTreeMap, fmt, mem};

use super::error::{FilterError, one_line};

/// A rule as it is written: fields, each with one value or several.
///
/// In one text, conditions `field=value` are separated by commas; a field that has several values stands there several times.
/// A comma within a value is written `\,`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WrittenRule(pub BTreeMap<String, Vec<String>>);

impl WrittenRule {
    /// The rule in one text, which stands in a list of this name.
    ///
    /// # Errors
    ///
    /// When a condition is none.
    pub fn parse(text: &str, list: &str) -> Result<Self, FilterError> {
        let refused = || FilterError::Syntax { rule: one_line(text), list: list.to_owned() };
        let mut rule = Self::default();
        for condition in conditions(text) {
            let (field, value) = condition.split_once('=').ok_or_else(refused)?;
            let field = field.trim();
            if field.is_empty() {
                return Err(refused());
            }
            rule.0.entry(field.to_owned()).or_default().push(value.to_owned());
        }
        Ok(rule)
    }
}

impl fmt::Display for WrittenRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs = self.0.iter().flat_map(|(field, values)| values.iter().map(move |value| (field, value)));
        for (position, (field, value)) in pairs.enumerate() {
            let separator = if position == 0 { "" } else { "," };
            write!(formatter, "{separator}{field}={}", value.replace(',', "\\,"))?;
        }
        Ok(())
    }
}

/// The texts between commas that no `\` precedes.
fn conditions(text: &str) -> Vec<String> {
    let (mut found, mut condition) = (Vec::new(), String::new());
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\\' if rest.next_if_eq(&',').is_some() => condition.push(','),
            ',' => found.push(mem::take(&mut condition)),
            other => condition.push(other),
        }
    }
    found.push(condition);
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rule(conditions: &[(&str, &[&str])]) -> WrittenRule {
        let owned = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        WrittenRule(conditions.iter().map(|(field, values)| ((*field).to_owned(), owned(values))).collect())
    }

    #[test]
    fn conditions_are_separated_by_commas() {
        for (text, expected) in [
            ("event=exec", rule(&[("event", &["exec"])])),
            ("comm=a,uid=0,comm=b", rule(&[("comm", &["a", "b"]), ("uid", &["0"])])),
            (r"path=a\,b\c", rule(&[("path", &[r"a,b\c"])])),
            ("args=~^a=b$, uid = 1", rule(&[("args", &["~^a=b$"]), ("uid", &[" 1"])])),
            ("container=", rule(&[("container", &[""])])),
        ] {
            assert_eq!(WrittenRule::parse(text, "drop"), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        for text in ["", "comm", "=a", "comm=a,", "comm=a,,uid=0", " =b"] {
            let expected =
                format!("invalid rule `{text}` in `drop`: expected fields and values such as `event=exec,comm=nginx*`");
            assert_eq!(WrittenRule::parse(text, "drop").map_err(|error| error.to_string()), Err(expected));
        }
    }

    proptest! {
        #[test]
        fn rules_come_back(
            conditions in proptest::collection::btree_map("[a-z_.]{1,8}", proptest::collection::vec("[^\\\\]{0,8}", 1..3), 1..4),
        ) {
            let rule = WrittenRule(conditions);
            prop_assert_eq!(WrittenRule::parse(&rule.to_string(), "drop"), Ok(rule));
        }
    }
}
