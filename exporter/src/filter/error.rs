//! What can be wrong with a rule.

use super::written::WrittenRule;

/// Why a rule was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// A rule in one text that is none.
    #[error("invalid rule `{rule}` in `{list}`: expected fields and values such as `event=exec,comm=nginx*`")]
    Syntax {
        /// The rule.
        rule: String,
        /// The list that it is in.
        list: String,
    },
    /// A field that does not exist.
    #[error("no field `{field}` in rule `{rule}` of `{list}`: expected {expected}")]
    Field {
        /// The field.
        field: String,
        /// The rule.
        rule: String,
        /// The list that it is in.
        list: String,
        /// What there is.
        expected: String,
    },
    /// A value that does not fit its field.
    #[error("invalid value `{value}` for `{field}` in rule `{rule}` of `{list}`: expected {expected}")]
    Value {
        /// The value.
        value: String,
        /// The field.
        field: String,
        /// The rule.
        rule: String,
        /// The list that it is in.
        list: String,
        /// What fits.
        expected: String,
    },
    /// A rule that no event can match.
    #[error("rule `{rule}` of `{list}` matches nothing: no kind of event has all of its fields")]
    Never {
        /// The rule.
        rule: String,
        /// The list that it is in.
        list: String,
    },
}

/// Where a rule stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) list: &'a str,
    pub(super) rule: &'a WrittenRule,
}

impl Place<'_> {
    fn names(self) -> (String, String) {
        (one_line(&self.rule.to_string()), self.list.to_owned())
    }

    pub(super) fn empty(self) -> FilterError {
        let (rule, list) = self.names();
        FilterError::Syntax { rule, list }
    }

    pub(super) fn field(self, field: &str, expected: String) -> FilterError {
        let (rule, list) = self.names();
        FilterError::Field { field: one_line(field), rule, list, expected }
    }

    pub(super) fn value(self, field: &str, value: &str, expected: String) -> FilterError {
        let (rule, list) = self.names();
        FilterError::Value { value: one_line(value), field: field.to_owned(), rule, list, expected }
    }

    pub(super) fn never(self) -> FilterError {
        let (rule, list) = self.names();
        FilterError::Never { rule, list }
    }
}

/// A text without line ends and other control characters.
pub(super) fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}
