//! The traces that begin at start.

use std::collections::BTreeSet;

use config::Value;

use super::error::{Error, one_line};
use crate::traces::{Spec, SpecError};

const KEY: &str = "traces";
const NAME: &str = "name";

/// The traces that are written, each with its name.
pub(super) fn traces(written: Vec<Value>) -> Result<Vec<(String, Spec)>, Error> {
    let mut names = BTreeSet::new();
    let traces = written.into_iter().enumerate().map(|(position, written)| {
        let place = format!("{KEY}[{position}]");
        let within = |SpecError { field, reason }| SpecError { field: format!("{place}.{field}"), reason };
        let (name, spec) = trace(written).map_err(within)?;
        if !names.insert(name.clone()) {
            return Err(Error::value(&format!("{place}.{NAME}"), &name, "each name once"));
        }
        Ok((name, spec))
    });
    traces.collect()
}

fn trace(written: Value) -> Result<(String, Spec), SpecError> {
    let refused = |reason: &str| SpecError { field: NAME.to_owned(), reason: reason.to_owned() };
    let mut written: serde_json::Value = written
        .try_deserialize()
        .map_err(|error| SpecError { field: ".".to_owned(), reason: one_line(&error.to_string()) })?;
    let name = written.as_object_mut().and_then(|fields| fields.remove(NAME));
    let name = name.ok_or_else(|| refused("expected the name of the trace"))?;
    let name = name.as_str().map_or_else(|| name.to_string(), str::to_owned);
    let spec = Spec::read(&written)?;
    spec.check(&name)?;
    Ok((name, spec))
}

#[cfg(test)]
mod tests {
    use crate::config::{Flags, load};

    fn of(text: &str) -> Result<Vec<(String, String)>, String> {
        let file = tempfile::NamedTempFile::new().expect("a file can be made");
        std::fs::write(file.path(), format!("traces: {text}")).expect("a file can be written");
        let config = load(Some(file.path()), [], &Flags::default()).map_err(|error| error.to_string())?;
        let shown = |spec| serde_json::to_string(spec).expect("a spec can be written");
        Ok(config.traces.iter().map(|(name, spec)| (name.clone(), shown(spec))).collect())
    }

    #[test]
    fn everything_that_can_be_said() {
        let text = "[{name: all, labelSelector: {matchLabels: {app: nginx}, matchExpressions: [{key: tier, operator: In, values: \
                    [a, b]}]}, fieldSelector: metadata.namespace=shop, hostSelector: [web-*], namespace: shop, cgroup: /kubepods, \
                    pid: 7, events: [exec, signal], select: [{event: exec, uid: [0, 1]}, 'signal=TERM'], drop: [comm=sh], \
                    sampleRate: 10, duration: 90s}]";
        let expected = r#"{"labelSelector":{"matchLabels":{"app":"nginx"},"matchExpressions":[{"key":"tier","operator":"In","values":["a","b"]}]},"fieldSelector":"metadata.namespace=shop","containers":["web-*"],"namespace":"shop","cgroup":"/kubepods","pid":7,"events":["exec","signal"],"select":["event=exec,uid=0,uid=1","signal=TERM"],"drop":["comm=sh"],"sampleRate":10,"duration":"1m 30s"}"#;
        assert_eq!(of(text), Ok(vec![("all".to_owned(), expected.to_owned())]));
        // What is written out can be read in again.
        assert_eq!(of(&format!("[{}]", expected.replacen('{', "{\"name\":\"all\",", 1))), of(text));
    }

    #[test]
    fn mistakes_are_told_by_their_place() {
        for (text, expected) in [
            (
                "[a]",
                "invalid value `a` for `traces`: expected a list of rules such as `{name: shell, containers: [web-*], events: [exec]}`",
            ),
            ("[{events: [exec]}]", "invalid `traces[0].name`: expected the name of the trace"),
            (
                "[{name: a/b, events: [exec]}]",
                "invalid `traces[0].name`: `a/b`: expected letters, digits and `-_.`, at most 253 of them",
            ),
            (
                "[{name: a, events: [exec]}, {name: a, events: [fork]}]",
                "invalid value `a` for `traces[1].name`: expected each name once",
            ),
            (
                "[{name: a}]",
                "invalid `traces[0].events`: `[]`: expected at least one kind of event; or `syscalls` or `tracepoints`",
            ),
            (
                "[{name: a, events: [exec], labelSelector: {matchExpressions: [{key: b, operator: Has}]}}]",
                "invalid `traces[0].labelSelector.matchExpressions[0].operator`: unknown variant `Has`, expected one of `In`, \
                 `NotIn`, `Exists`, `DoesNotExist`",
            ),
            (
                "[{name: a, events: [exec], labelSelector: {matchLabel: {}}}]",
                "invalid `traces[0].labelSelector.matchLabel`: unknown field `matchLabel`, expected `matchLabels` or \
                 `matchExpressions`",
            ),
            (
                "[{name: a, events: [exec], sampleRate: 0}]",
                "invalid `traces[0].sampleRate`: `0`: expected a number from `1` to `4294967295`",
            ),
            (
                "[{name: a, events: [exec], drop: [comm]}]",
                "invalid `traces[0].drop[0]`: invalid rule `comm` in `the trace`: expected fields and values such as \
                 `event=exec,comm=nginx*`",
            ),
        ] {
            assert_eq!(of(text), Err(expected.to_owned()), "{text}");
        }
    }
}
