//! What differs between two configurations, setting by setting.

use std::{collections::BTreeMap, fmt};

use config::{Map, Value, ValueKind};

use super::{Applies, layers::join};

/// The settings whose values are nobody's business: they appear in no message.
const SECRET: [&str; 1] = ["otlp.headers"];

/// Every setting as it is written, by path: the last of what the layers say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Values(BTreeMap<String, serde_json::Value>);

/// A setting that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub path: String,
    /// What it was, as it is shown.
    pub old: String,
    /// What it is.
    pub new: String,
    /// When that applies.
    pub applies: Applies,
}

impl fmt::Display for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, old, new, applies: _ } = self;
        write!(formatter, "`{path}` was `{old}` and is `{new}`")
    }
}

impl Values {
    /// What is in a tree of settings.
    pub(super) fn of(tree: &Map<String, Value>) -> Self {
        fn collect(tree: &Map<String, Value>, section: &str, found: &mut BTreeMap<String, serde_json::Value>) {
            for (key, value) in tree {
                let path = join(section, key);
                match &value.kind {
                    ValueKind::Table(inner) => collect(inner, &path, found),
                    leaf => drop(found.insert(path, json(leaf))),
                }
            }
        }
        let mut found = BTreeMap::new();
        collect(tree, "", &mut found);
        Self(found)
    }

    /// What differs in others, in the order of the alphabet.
    #[must_use]
    pub fn changes(&self, new: &Self) -> Vec<Change> {
        let differs = |path: &&String| match (self.0.get(*path), new.0.get(*path)) {
            (Some(old), Some(new)) => !is_same(old, new),
            (old, new) => old != new,
        };
        let paths = self.0.keys().chain(new.0.keys().filter(|path| !self.0.contains_key(*path)));
        let mut paths: Vec<_> = paths.filter(differs).collect();
        paths.sort();
        let change = |path: &String| Change {
            old: shown(path, self.0.get(path)),
            new: shown(path, new.0.get(path)),
            // What nobody has decided on does no harm with the next start.
            applies: Applies::of(path).unwrap_or(Applies::Restart),
            path: path.clone(),
        };
        paths.into_iter().map(change).collect()
    }
}

/// Whether two values mean the same: `1m` is `60s`.
fn is_same(old: &serde_json::Value, new: &serde_json::Value) -> bool {
    let duration = |value: &serde_json::Value| humantime::parse_duration(value.as_str()?).ok();
    old == new || duration(old).is_some_and(|old| duration(new) == Some(old))
}

fn shown(path: &str, value: Option<&serde_json::Value>) -> String {
    match value {
        _ if SECRET.contains(&path) => "***".to_owned(),
        None => String::new(),
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// A value as it is compared: scalars as texts, because a variable has no others.
fn json(value: &ValueKind) -> serde_json::Value {
    match value {
        ValueKind::Table(fields) => {
            fields.iter().map(|(key, value)| (key.clone(), json(&value.kind))).collect::<serde_json::Map<_, _>>().into()
        }
        ValueKind::Array(items) => items.iter().map(|item| json(&item.kind)).collect(),
        scalar => scalar.to_string().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Flags, Takes, read, settings};

    fn values(text: &str) -> Values {
        let file = tempfile::NamedTempFile::new().expect("a file can be made");
        std::fs::write(file.path(), text).expect("a file can be written");
        read(Some(file.path()), [], &Flags::default()).expect("a configuration").1
    }

    fn changes(old: &str, new: &str) -> Vec<String> {
        values(old).changes(&values(new)).iter().map(|change| format!("{change}, {}", change.applies.name())).collect()
    }

    #[test]
    fn every_setting_is_compared() {
        let all = settings();
        let leaves = all.iter().filter(|setting| setting.takes != Takes::Section).map(|setting| setting.path.clone());
        assert_eq!(
            values("").0.into_keys().collect::<Vec<_>>(),
            std::collections::BTreeSet::from_iter(leaves).into_iter().collect::<Vec<_>>()
        );
    }

    #[test]
    fn what_differs_is_told_with_both_values() {
        assert_eq!(
            changes(
                "{log: {level: info}, limits: {series_per_family: 5}}",
                "{log: {level: debug}, web: {telemetry_path: /m}, ignore: [{container: load-*}]}"
            ),
            [
                "`ignore` was `[]` and is `[{\"container\":\"load-*\"}]`, live",
                "`limits.series_per_family` was `5` and is `100000`, live",
                "`log.level` was `info` and is `debug`, live",
                "`web.telemetry_path` was `/metrics` and is `/m`, restart",
            ]
        );
    }

    #[test]
    fn what_means_the_same_is_no_change() {
        for (old, new) in [
            ("poll: {interval: 60s}", "poll: {interval: 1m}"),
            ("limits: {series_per_family: 7}", "limits: {series_per_family: '7'}"),
            ("bpf: {pin: false}", "# nothing"),
            ("ignore: [{container: a, image: b}]", "ignore: [{image: b, container: a}]"),
        ] {
            assert_eq!(changes(old, new), [""; 0], "{old} {new}");
        }
        // The order of rules matters.
        assert_eq!(changes("ignore: [{pod: a}, {pod: b}]", "ignore: [{pod: b}, {pod: a}]").len(), 1);
    }

    #[test]
    fn secrets_are_not_told() {
        let old = "otlp: {endpoint: 'http://127.0.0.1:4318', headers: ['authorization=Bearer one']}";
        assert_eq!(changes(old, &old.replace("one", "two")), ["`otlp.headers` was `***` and is `***`, restart"]);
    }
}
