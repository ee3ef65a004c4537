//! Every setting, as the documented example has it: what it is for, its default, and what values it takes.

use config::{Map, Value, ValueKind};

use super::{
    Applies, LiveEvents, LogFormat, LogLevel, layers,
    otlp::{Describes, Protocol},
};
use crate::{filter::PROFILES, identity::labels::IdentityLabel};

/// A setting, or a section of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// Its sections and its own name, joined by dots.
    pub path: String,
    /// What the example says of it, line by line; nothing where that is said of what stands before it.
    pub about: Vec<String>,
    /// What it takes.
    pub takes: Takes,
    /// Its default; that of a section is empty.
    pub default: serde_json::Value,
    /// The variable that sets it; none for sections and for lists of rules.
    pub variable: Option<String>,
    /// When a change of it applies; nothing for sections.
    pub applies: Option<Applies>,
}

/// What a setting takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Settings of its own.
    Section,
    /// Rules, each with keys of its own, such as this.
    Rules(&'static str),
    /// A list of what else there is.
    List(Box<Self>),
    /// `true` or `false`.
    Switch,
    /// A whole number.
    Number,
    /// A time such as `1h 30m`.
    Duration,
    /// One of some names.
    Choice(Vec<&'static str>),
    /// Any text.
    Text,
    /// Nothing at all, or what else there is.
    Perhaps(Box<Self>),
}

/// What values are where the default does not show it: of a setting, or of the items of a list.
fn hidden(path: &str) -> Option<Takes> {
    use Takes::{Choice, Duration, Number, Perhaps, Switch};
    let perhaps = |takes| Some(Perhaps(Box::new(takes)));
    match path {
        "web.live_events" => Some(Choice(LiveEvents::ALL.map(LiveEvents::name).to_vec())),
        "log.level" => Some(Choice(LogLevel::ALL.map(LogLevel::name).to_vec())),
        "log.format" => Some(Choice(LogFormat::ALL.map(LogFormat::name).to_vec())),
        "events.profile" => Some(Choice(PROFILES.iter().map(|profile| profile.name).collect())),
        "identity.labels" => Some(Choice(IdentityLabel::ALL.map(IdentityLabel::name).to_vec())),
        "otlp.identity" => Some(Choice(Describes::ALL.map(Describes::name).to_vec())),
        "otlp.protocol" => perhaps(Choice(Protocol::ALL.map(Protocol::name).to_vec())),
        "otlp.compression" => perhaps(Choice(vec!["gzip", "none"])),
        "otlp.insecure" | "otlp.logs.enabled" | "otlp.metrics.enabled" => perhaps(Switch),
        "otlp.timeout" | "otlp.logs.linger" | "otlp.logs.give_up" | "otlp.metrics.interval" => perhaps(Duration),
        "otlp.logs.batch" | "otlp.logs.queue_records" => perhaps(Number),
        _ => None,
    }
}

/// All of them, in the order of the example.
///
/// # Panics
///
/// Not with the example that this was built with: a test reads it.
#[must_use]
pub fn settings() -> Vec<Setting> {
    let defaults = layers::defaults().expect("the example is YAML");
    let (mut found, mut section, mut about) = (Vec::new(), Vec::<&str>::new(), Vec::new());
    for line in layers::DEFAULTS.lines() {
        let text = line.trim_start();
        if let Some(comment) = text.strip_prefix('#') {
            about.push(comment.strip_prefix(' ').unwrap_or(comment).to_owned());
        } else if text.is_empty() || text.starts_with("- ") {
            about.clear();
        } else if let Some((key, _)) = text.split_once(':') {
            section.truncate((line.len() - text.len()) / 2);
            section.push(key);
            let default = find(&defaults, &section).expect("it is there");
            let (path, about) = (section.join("."), std::mem::take(&mut about));
            found.push(Setting {
                takes: takes(&path, &default.kind),
                applies: Applies::of(&path).filter(|_| !matches!(default.kind, ValueKind::Table(_))),
                variable: layers::has_variable(&path, &default.kind).then(|| layers::variable(&path)),
                default: json(&default.kind),
                path,
                about,
            });
        }
    }
    found
}

fn find<'a>(tree: &'a Map<String, Value>, path: &[&str]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    match (&tree.get(*first)?.kind, rest) {
        (_, []) => tree.get(*first),
        (ValueKind::Table(inner), rest) => find(inner, rest),
        _ => None,
    }
}

fn takes(path: &str, default: &ValueKind) -> Takes {
    let shown = |kind: &ValueKind| match kind {
        ValueKind::Boolean(_) => Takes::Switch,
        ValueKind::I64(_) => Takes::Number,
        ValueKind::String(text) if humantime::parse_duration(text).is_ok() => Takes::Duration,
        _ => Takes::Text,
    };
    match default {
        ValueKind::Table(_) => Takes::Section,
        ValueKind::Array(items) => layers::example(path).map_or_else(
            || {
                let item = hidden(path).or_else(|| items.first().map(|item| shown(&item.kind)));
                Takes::List(Box::new(item.unwrap_or(Takes::Text)))
            },
            Takes::Rules,
        ),
        scalar => hidden(path).unwrap_or_else(|| shown(scalar)),
    }
}

fn json(value: &ValueKind) -> serde_json::Value {
    match value {
        ValueKind::Table(_) => serde_json::json!({}),
        ValueKind::Array(items) => items.iter().map(|item| json(&item.kind)).collect(),
        ValueKind::Boolean(switch) => (*switch).into(),
        ValueKind::I64(number) => (*number).into(),
        other => Value::new(None, other.clone()).into_string().unwrap_or_default().into(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_key_is_found_and_described() {
        let all = settings();
        let paths: BTreeSet<_> =
            all.iter().filter(|setting| setting.takes != Takes::Section).map(|setting| setting.path.clone()).collect();
        assert_eq!(paths, layers::keys().into_iter().collect());
        // What has no words of its own stands behind what has, or right below a section that has.
        let mut is_told = false;
        for setting in &all {
            is_told = !setting.about.is_empty() || is_told && setting.path.contains('.');
            let is_section_of_others = setting.takes == Takes::Section;
            assert!(is_told || is_section_of_others, "the example does not say what `{}` is for", setting.path);
        }
    }

    /// Whether the loader takes a value for a setting.
    fn is_taken(path: &str, value: &str) -> bool {
        let (mut text, mut indent) = (String::new(), String::new());
        for part in path.split('.') {
            text += &format!("{indent}{part}:\n");
            indent += "  ";
        }
        let directory = tempfile::tempdir().expect("a directory can be made");
        let file = directory.path().join("config.yaml");
        std::fs::write(&file, format!("{} {value}\n", text.trim_end())).expect("a file can be written");
        // So that what is only looked at with an endpoint is.
        let endpoint = [("OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(), "http://127.0.0.1:4318".to_owned())];
        let metrics = ("DOUBLESLIT_OTLP__METRICS__ENABLED".to_owned(), "true".to_owned());
        let metrics = (path != "otlp.metrics.enabled").then_some(metrics);
        super::super::load(Some(&file), endpoint.into_iter().chain(metrics), &super::super::Flags::default()).is_ok()
    }

    #[test]
    fn what_is_said_of_values_is_what_the_loader_takes() {
        fn check(path: &str, takes: &Takes, wrap: fn(&str) -> String) {
            let (good, bad): (Vec<&str>, &[&str]) = match takes {
                Takes::Section | Takes::Rules(_) | Takes::Text => return,
                Takes::Switch => (vec!["true", "false"], &["perhaps", "1"]),
                Takes::Number => (vec!["65536"], &["many", "-1"]),
                Takes::Duration => (vec!["1s", "1m 30s"], &["soon", "-1s"]),
                Takes::Choice(names) => (names.clone(), &["nothing-of-it"]),
                Takes::List(item) => return check(path, item, |value| format!("[{value}]")),
                Takes::Perhaps(inner) => {
                    assert!(is_taken(path, "\"\""), "`{path}` may be empty");
                    return check(path, inner, wrap);
                }
            };
            // No more arguments than the kernel's part has room for.
            let good = if path == "events.arguments.bytes" { vec!["1024"] } else { good };
            for value in good {
                assert!(is_taken(path, &wrap(value)), "`{path}: {value}` is refused");
            }
            for value in bad {
                assert!(!is_taken(path, &wrap(value)), "`{path}: {value}` is taken");
            }
        }
        let all = settings();
        assert!(all.len() > 80, "{}", all.len());
        for Setting { path, takes, .. } in &all {
            check(path, takes, str::to_owned);
        }
    }
}
