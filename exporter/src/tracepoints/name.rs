//! Names of tracepoints, and patterns for them.

use std::fmt;

use crate::{closest, identity::ignore::Pattern};

/// The name of a tracepoint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    /// The part of the kernel that it is in, such as `sched`.
    pub category: String,
    /// Its name there, such as `sched_process_fork`.
    pub name: String,
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.category, self.name)
    }
}

/// Which tracepoints are meant: `sched:sched_process_fork`, `block:*`, or without a category `sched_process_fork`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    text: String,
    pattern: Pattern,
}

/// Why no tracepoint is meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It is no name and no pattern.
    #[error(
        "`{0}` names no tracepoint: expected a name such as `sched:sched_process_fork` or a pattern such as `block:*`"
    )]
    Syntax(String),
    /// There is none with this name, or that matches.
    #[error("this kernel has no tracepoint `{name}`: expected {expected}")]
    Unknown {
        /// As written.
        name: String,
        /// What there is instead.
        expected: String,
    },
}

impl Selector {
    /// The selector that a text is.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "_-.*:".contains(c);
        let valid =
            text.chars().all(fits) && text.split(':').all(|part| !part.is_empty()) && text.matches(':').count() < 2;
        let pattern = Pattern::new(text).filter(|_| valid);
        pattern
            .map(|pattern| Self { text: text.to_owned(), pattern })
            .ok_or_else(|| NameError::Syntax(text.replace(char::is_control, " ")))
    }

    /// As it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it stands for whatever matches, instead of one tracepoint.
    #[must_use]
    pub fn is_pattern(&self) -> bool {
        self.text.contains('*')
    }

    /// Whether a tracepoint is meant.
    #[must_use]
    pub fn matches(&self, name: &Name) -> bool {
        if self.text.contains(':') { self.pattern.matches(&name.to_string()) } else { self.pattern.matches(&name.name) }
    }

    /// Those of all tracepoints that are meant: at least one.
    ///
    /// # Errors
    ///
    /// When there is none, with the names that are most like it.
    pub fn among<'a>(&self, all: &'a [Name]) -> Result<Vec<&'a Name>, NameError> {
        let found: Vec<_> = all.iter().filter(|name| self.matches(name)).collect();
        if !found.is_empty() {
            return Ok(found);
        }
        let names: Vec<_> = all.iter().map(Name::to_string).collect();
        // Whoever leaves the category out means the name alone.
        let alike = |name: &str| {
            let compared =
                if self.text.contains(':') { name } else { name.split_once(':').map_or(name, |(_, name)| name) };
            closest::likeness(&self.text, compared)
        };
        Err(NameError::Unknown {
            name: self.text.clone(),
            expected: closest::by(alike, names.iter().map(String::as_str)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Name> {
        let of = |(category, name): (&str, &str)| Name { category: category.to_owned(), name: name.to_owned() };
        let named = [("block", "block_rq_issue"), ("block", "block_rq_complete"), ("sched", "sched_process_fork")];
        let many = (0..20).map(|n| ("other", format!("something_{n}")));
        named.map(of).into_iter().chain(many.map(|(category, name)| of((category, &name)))).collect()
    }

    #[test]
    fn names_and_patterns() {
        for (text, is_pattern, expected) in [
            ("sched:sched_process_fork", false, &["sched:sched_process_fork"][..]),
            ("sched_process_fork", false, &["sched:sched_process_fork"]),
            ("block:*", true, &["block:block_rq_issue", "block:block_rq_complete"]),
            ("*:*_fork", true, &["sched:sched_process_fork"]),
            ("*complete", true, &["block:block_rq_complete"]),
        ] {
            let selector = Selector::parse(text).expect(text);
            let all = all();
            let found: Vec<_> = selector.among(&all).expect(text).into_iter().map(Name::to_string).collect();
            assert_eq!((selector.is_pattern(), selector.text()), (is_pattern, text));
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_there_is_told_with_the_closest_names() {
        for text in ["sched:sched_proces_fork", "sched_process_frok", "schd:sched_process_*"] {
            let error = Selector::parse(text).expect(text).among(&all()).expect_err(text).to_string();
            let head =
                format!("this kernel has no tracepoint `{text}`: expected a name such as `sched:sched_process_fork`, ");
            assert!(error.starts_with(&head), "{error}");
        }
    }

    #[test]
    fn what_is_no_name() {
        for text in ["", ":", "a:", ":b", "a:b:c", "a b", "a?", "[a]", "a/b"] {
            assert_eq!(Selector::parse(text), Err(NameError::Syntax(text.to_owned())), "{text:?}");
        }
    }
}
