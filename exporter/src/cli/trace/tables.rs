//! Traces as tables.

use std::time::Duration;

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::Value;

use crate::cli::{Failure, output};

/// What a list shows of a trace.
#[derive(Debug, Deserialize)]
struct Trace {
    name: String,
    spec: Spec,
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Spec {
    events: Vec<String>,
    syscalls: Vec<String>,
    tracepoints: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Status {
    phase: String,
    elapsed: String,
    containers: Vec<Value>,
    events: u64,
    lost: u64,
    missed: u64,
}

#[derive(Debug, Deserialize)]
struct List {
    running: Vec<Trace>,
    completed: Vec<Trace>,
}

/// A line for each trace: those that run, then those that are over.
pub(super) fn list(list: &Value) -> Result<String, Failure> {
    let List { running, completed } =
        List::deserialize(list).context("the exporter is of another version").map_err(Failure::Failed)?;
    let line = |trace: &Trace| {
        let Trace { name, spec, status } = trace;
        [
            name.clone(),
            status.phase.clone(),
            seconds(&status.elapsed),
            status.containers.len().to_string(),
            status.events.to_string(),
            status.lost.to_string(),
            status.missed.to_string(),
            [&spec.events[..], &spec.syscalls, &spec.tracepoints].concat().join(","),
        ]
    };
    let rows: Vec<_> = running.iter().chain(&completed).map(line).collect();
    Ok(output::table(["NAME", "PHASE", "RAN", "CONTAINERS", "EVENTS", "LOST", "MISSED", "WHAT"], &rows))
}

/// A length of time without what is shorter than a second.
fn seconds(text: &str) -> String {
    let whole = humantime::parse_duration(text).map(|length| Duration::from_secs(length.as_secs()));
    whole.map_or_else(|_| text.to_owned(), |length| humantime::format_duration(length).to_string())
}

/// A line for each thing that is known of a trace, named as in JSON.
pub(super) fn trace(trace: &Value) -> String {
    let mut rows = Vec::new();
    for section in ["name", "status", "spec"] {
        match &trace[section] {
            Value::Object(fields) => {
                rows.extend(fields.iter().map(|(field, value)| [format!("{section}.{field}"), shown(value)]));
            }
            value => rows.push([section.to_owned(), shown(value)]),
        }
    }
    output::table(["FIELD", "VALUE"], &rows)
}

fn shown(value: &Value) -> String {
    let text = |name: &str| value[name].as_str().filter(|text| !text.is_empty());
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(" "),
        // A container.
        Value::Object(_) if text("id").is_some() => {
            let name = text("name").or(text("id"));
            [text("namespace"), text("pod"), name].into_iter().flatten().collect::<Vec<_>>().join("/")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn example() -> Value {
        json!({
            "name": "shop",
            "spec": { "events": ["exec", "exit"], "labelSelector": { "matchLabels": { "app": "x" } }, "sampleRate": 1 },
            "status": {
                "phase": "Running", "elapsed": "1m 5s 20ms", "events": 12, "lost": 0, "missed": 3,
                "containers": [
                    { "namespace": "shop", "pod": "cart-0", "name": "web", "id": "77" }, { "name": "db", "id": "78" }, { "name": "", "id": "79" },
                ],
            },
        })
    }

    #[test]
    fn a_line_for_each_trace() {
        let mut other = example();
        other["name"] = json!("other");
        other["status"]["phase"] = json!("Complete");
        assert_eq!(
            list(&json!({ "running": [example()], "completed": [other] })).expect("a list"),
            "NAME    PHASE      RAN     CONTAINERS   EVENTS   LOST   MISSED   WHAT\n\
             shop    Running    1m 5s   3            12       0      3        exec,exit\n\
             other   Complete   1m 5s   3            12       0      3        exec,exit\n"
        );
    }

    #[test]
    fn all_that_is_known() {
        assert_eq!(
            trace(&example()),
            "FIELD                VALUE\n\
             name                 shop\n\
             status.containers    shop/cart-0/web db 79\n\
             status.elapsed       1m 5s 20ms\n\
             status.events        12\n\
             status.lost          0\n\
             status.missed        3\n\
             status.phase         Running\n\
             spec.events          exec exit\n\
             spec.labelSelector   {\"matchLabels\":{\"app\":\"x\"}}\n\
             spec.sampleRate      1\n"
        );
    }
}
