//! The rules for containers that are left out.

use std::collections::BTreeMap;

use super::error::{Error, quoted};
use crate::identity::ignore::{Field, Ignore, Pattern, Rule};

/// What a rule can look at.
const FIELDS: [&str; 5] = ["container", "image", "label", "namespace", "pod"];

pub(super) fn ignore(written: Vec<BTreeMap<String, String>>) -> Result<Ignore, Error> {
    written.into_iter().map(rule).collect::<Result<_, _>>().map(Ignore)
}

fn rule(written: BTreeMap<String, String>) -> Result<Rule, Error> {
    if written.is_empty() {
        return Err(Error::value("ignore", "{}", format!("rules of {}", quoted(FIELDS))));
    }
    written.into_iter().map(|(name, text)| condition(&name, &text)).collect::<Result<_, _>>().map(Rule)
}

fn condition(name: &str, text: &str) -> Result<(Field, Pattern), Error> {
    let key = format!("ignore.{name}");
    let (field, pattern) = match name {
        "container" => (Field::Container, text),
        "image" => (Field::Image, text),
        "namespace" => (Field::Namespace, text),
        "pod" => (Field::Pod, text),
        "label" => {
            let (label, pattern) = text.split_once('=').filter(|(label, _)| !label.is_empty()).ok_or_else(|| {
                Error::value(&key, text, "a label's name and a pattern such as `doubleslit.io/ignore=true`")
            })?;
            (Field::Label(label.to_owned()), pattern)
        }
        other => return Err(Error::value("ignore", other, format!("rules of {}", quoted(FIELDS)))),
    };
    let expected = "a pattern such as `load-*`: not empty, `*` for any text, none of `?`, `[`, `]`, `{`, `}`, `\\`";
    Ok((field, Pattern::new(pattern).ok_or_else(|| Error::value(&key, text, expected))?))
}
