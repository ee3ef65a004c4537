//! What can be wrong with a trace.

use crate::filter::FilterError;

/// Why what a trace asks for makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid `{field}`: {reason}")]
pub struct SpecError {
    /// The path of the field, such as `labelSelector.matchExpressions[0].values`.
    pub field: String,
    /// What is wrong with it, and what there could be instead.
    pub reason: String,
}

impl SpecError {
    /// The refusal of a value.
    pub(super) fn value(field: impl Into<String>, value: impl ToString, expected: impl ToString) -> Self {
        let value = value.to_string().replace(char::is_control, " ");
        Self { field: field.into(), reason: format!("`{value}`: expected {}", expected.to_string()) }
    }

    /// The refusal of a rule for events.
    pub(super) fn rule(list: &str, position: usize, error: &FilterError) -> Self {
        Self { field: format!("{list}[{position}]"), reason: error.to_string() }
    }
}

/// Why there is no new trace.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CreateError {
    /// There is one with this name, which may be complete.
    #[error("duplicate trace `{0}`: delete it first, or choose another name")]
    Duplicate(String),
    /// It asks for something that makes no sense.
    #[error(transparent)]
    Invalid(#[from] SpecError),
    /// There are as many as there can be.
    #[error("too many traces: {0} are running already; delete one first")]
    TooMany(usize),
}

impl CreateError {
    /// What is wrong, in one word.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Duplicate(_) => "duplicate",
            Self::Invalid(_) => "invalid",
            Self::TooMany(_) => "too_many",
        }
    }
}

/// There is no trace with this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no trace `{0}`")]
pub struct Unknown(pub String);
