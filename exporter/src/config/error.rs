//! What can be wrong with a configuration.

use std::{io, path::PathBuf};

use crate::{filter::FilterError, traces::SpecError};

/// Why a configuration was refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("reading the configuration `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is no YAML.
    #[error("parsing the configuration `{}`: {reason}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Why, on one line.
        reason: String,
    },
    /// A key that does not exist.
    #[error("unknown key `{key}` in `{origin}`: expected one of {expected}")]
    UnknownKey {
        /// The key with its sections.
        key: String,
        /// The file.
        origin: String,
        /// The keys that its section has.
        expected: String,
    },
    /// An environment variable that stands for no key.
    #[error("unknown environment variable `{name}`: expected one of {expected}")]
    UnknownVariable {
        /// The variable.
        name: String,
        /// The variables that exist.
        expected: String,
    },
    /// A value that does not fit.
    #[error("invalid value `{value}` for `{key}`: expected {expected}")]
    Value {
        /// The value as written.
        value: String,
        /// The key with its sections.
        key: String,
        /// What fits.
        expected: String,
    },
    /// A rule for events that makes no sense.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// A trace that makes no sense.
    #[error(transparent)]
    Trace(#[from] SpecError),
    /// The layers cannot be put together.
    #[error("layering the configuration: {reason}")]
    Layers {
        /// Why, on one line.
        reason: String,
    },
}

impl Error {
    /// The refusal of a value.
    pub(super) fn value(key: &str, value: impl ToString, expected: impl ToString) -> Self {
        Self::Value { value: one_line(&value.to_string()), key: key.to_owned(), expected: expected.to_string() }
    }
}

/// Names in backticks, separated by commas.
pub(super) fn quoted<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> String {
    names.into_iter().map(|name| format!("`{}`", name.as_ref())).collect::<Vec<_>>().join(", ")
}

/// A foreign message on one line.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
