//! Printing an error with its causes.

use std::error::Error;

/// The error and its causes on one line, separated by colons. A cause that its effect already quotes is left out.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let part = error.to_string();
        if !text.ends_with(&part) {
            text.push_str(": ");
            text.push_str(&part);
        }
        cause = error.source();
    }
    text.replace('\n', " ")
}
