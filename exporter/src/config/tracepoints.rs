//! The tracepoints whose hits are counted, and which of these are single events.

use config::{Value, ValueKind};
use doubleslit_common::probes::tracepoint::SPLITS;

use super::{
    error::{Error, quoted},
    understood::switch,
};
use crate::{
    identity::labels::RowLabels,
    tracepoints::{
        hits,
        name::{NameError, Selector},
        select::Wanted,
    },
};

const KEY: &str = "tracepoints";
const KEYS: [&str; 4] = ["name", "by", "events", "raw"];

/// The tracepoints that are written, each as a name or with its fields. None of their labels may be one of those of rows.
pub(super) fn tracepoints(written: Vec<Value>, labels: &RowLabels) -> Result<Vec<Wanted>, Error> {
    let wanted = written.into_iter().map(wanted).collect::<Result<Vec<_>, _>>()?;
    for field in wanted.iter().flat_map(|wanted| &wanted.by) {
        if labels.names().any(|name| name == hits::label(field)) {
            let expected = format!("another field: `{}` is a label of rows already", hits::label(field));
            return Err(Error::value("tracepoints.by", field, expected));
        }
    }
    Ok(wanted)
}

fn wanted(written: Value) -> Result<Wanted, Error> {
    let (mut name, mut by, mut events, mut raw) = (None, Vec::new(), false, false);
    match written.kind {
        ValueKind::Table(keys) => {
            for (key, value) in keys {
                match (key.as_str(), value.kind) {
                    ("name", ValueKind::Table(_) | ValueKind::Array(_)) => {
                        return Err(Error::value("tracepoints.name", "[…]", "a single value"));
                    }
                    ("name", text) => name = Some(text.to_string()),
                    ("by", ValueKind::Array(fields)) => by = fields.iter().map(ToString::to_string).collect(),
                    ("by", field) => by = vec![field.to_string()],
                    ("events", value) => events = switch("tracepoints.events", &value.to_string())?,
                    ("raw", value) => raw = switch("tracepoints.raw", &value.to_string())?,
                    (other, _) => return Err(Error::value(KEY, other, format!("keys {}", quoted(KEYS)))),
                }
            }
        }
        text => name = Some(text.to_string()),
    }
    let name = name.ok_or_else(|| Error::value(KEY, "{…}", "the key `name`"))?;
    let selector = Selector::parse(&name).map_err(|error| match error {
        NameError::Syntax(_) | NameError::Unknown { .. } => {
            Error::value(KEY, &name, "names such as `sched:sched_process_fork` or patterns such as `block:*`")
        }
    })?;
    let is_field = |field: &String| !field.is_empty() && field.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let is_once = |field: &&String| by.iter().filter(|other| other == field).count() == 1;
    match by.iter().find(|field| !is_field(field) || !is_once(field)) {
        Some(field) => Err(Error::value("tracepoints.by", field, "names of fields, each once")),
        None if by.len() > SPLITS => {
            Err(Error::value("tracepoints.by", by.join(", "), format!("at most {SPLITS} fields")))
        }
        None if raw && !events => Err(Error::value("tracepoints.raw", "true", "`events: true` beside it")),
        None => Ok(Wanted { selector, by, events, raw }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Flags, load};

    fn of(text: &str) -> Result<Vec<(String, String)>, String> {
        let file = tempfile::NamedTempFile::new().expect("a file can be made");
        std::fs::write(file.path(), text).expect("a file can be written");
        let config = load(Some(file.path()), [], &Flags::default()).map_err(|error| error.to_string())?;
        let how = |wanted: &Wanted| {
            let flags = [(wanted.events, "+events"), (wanted.raw, "+raw")].into_iter().filter(|(is_set, _)| *is_set);
            wanted.by.iter().map(String::as_str).chain(flags.map(|(_, flag)| flag)).collect::<Vec<_>>().join(" ")
        };
        Ok(config.tracepoints.iter().map(|wanted| (wanted.selector.text().to_owned(), how(wanted))).collect())
    }

    #[test]
    fn names_and_fields() {
        let text = "tracepoints: [sched:sched_process_fork, {name: 'block:*'}, {name: sys_enter_openat, by: [flags, dfd]}, \
                    {name: x, by: y}, {name: z, events: true}, {name: z, by: [a], events: true, raw: true}]";
        let expected = [
            ("sched:sched_process_fork", ""),
            ("block:*", ""),
            ("sys_enter_openat", "flags dfd"),
            ("x", "y"),
            ("z", "+events"),
            ("z", "a +events +raw"),
        ];
        assert_eq!(of(text), Ok(expected.map(|(name, by)| (name.to_owned(), by.to_owned())).into()));
        assert_eq!(of("tracepoints: []"), Ok(Vec::new()));
    }

    #[test]
    fn mistakes() {
        for (text, expected) in [
            (
                "[a b]",
                "invalid value `a b` for `tracepoints`: expected names such as `sched:sched_process_fork` or patterns such as \
                 `block:*`",
            ),
            ("[{by: a}]", "invalid value `{…}` for `tracepoints`: expected the key `name`"),
            ("[{name: [a]}]", "invalid value `[…]` for `tracepoints.name`: expected a single value"),
            ("[{name: a, at: b}]", "invalid value `at` for `tracepoints`: expected keys `name`, `by`, `events`, `raw`"),
            ("[{name: a, events: 1}]", "invalid value `1` for `tracepoints.events`: expected `true` or `false`"),
            ("[{name: a, raw: true}]", "invalid value `true` for `tracepoints.raw`: expected `events: true` beside it"),
            ("[{name: a, by: [b, b]}]", "invalid value `b` for `tracepoints.by`: expected names of fields, each once"),
            (
                "[{name: a, by: ['b-c']}]",
                "invalid value `b-c` for `tracepoints.by`: expected names of fields, each once",
            ),
            (
                "[{name: a, by: [b, c, d, e]}]",
                "invalid value `b, c, d, e` for `tracepoints.by`: expected at most 3 fields",
            ),
            (
                "[[a]]",
                "invalid value `[…]` for `tracepoints`: expected a list of rules such as `{name: syscalls:sys_enter_openat, by: [flags]}`",
            ),
            ("a", "invalid value `a` for `tracepoints`: expected a list"),
        ] {
            assert_eq!(of(&format!("tracepoints: {text}")), Err(expected.to_owned()), "{text}");
        }
        let taken = "identity: {extra_labels: [field.flags]}\ntracepoints: [{name: a, by: flags}]";
        let expected = "invalid value `flags` for `tracepoints.by`: expected another field: `field_flags` is a label of rows already";
        assert_eq!(of(taken), Err(expected.to_owned()));
    }
}
