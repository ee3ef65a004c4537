//! Traces beside counts and beside those who listen by configuration.

use doubleslit_testbed::collector::{Collector, LogRecord};
use serde_json::json;

use super::Tracing;
use crate::{
    harness::{assert_conserved, docker, executions, rows},
    otlp::exporting,
};

#[test]
#[ignore = "needs root and BTF"]
fn nothing_else_changes() {
    let mut collector = Collector::start();
    let mut web = docker().load("trace-beside", &[]);
    // A trace of the exporter itself wants everything of everybody, another process traces the container as well.
    let select = format!("{{event: exec, container_id: {}}}", web.id);
    let mut exporter = exporting(&collector, "http/protobuf", "logs: {linger: 10ms}")
        .config(&format!("events: {{select: [{select}]}}"))
        .config("traces: [{name: everything, events: [exec, fork, thread, exit, signal, socket_state]}]")
        .start();
    let tracing = Tracing::start("");
    tracing.run("executions", r#"{"containers": ["trace-beside"], "events": ["exec", "exit", "fork"]}"#);
    tracing.until_about("executions", &web);
    let before = exporter.scrape();
    web.load.run("exec 200");
    let change = exporter.scrape().since(&before);
    assert_eq!(rows(&change, &web).only(&["process_"]), executions(200));
    assert_conserved(&exporter.scrape());
    let status = tracing.until("executions", "three events of each", |status| status.hits >= 600);
    assert_eq!((status.hits, status.lost), (600, 0));

    let name = json!(web.id);
    let is_own = |record: &&LogRecord| {
        record.event_name == "doubleslit.process.exec" && record.attributes.get("container.id") == Some(&name)
    };
    let logs = &collector.await_received("the executions", |all| all.logs.iter().filter(is_own).count() >= 200).logs;
    assert_eq!(logs.len(), 200, "nothing but what is configured");
    let scrape = exporter.scrape();
    let events = |name: &str, kind| scrape.sum(&format!("doubleslit_events_{name}_total"), &[("event", kind)]);
    assert_eq!(events("received", "exec"), 200.0);
    assert_eq!(events("generated", "exit"), 0.0, "nobody listens to these by configuration");
    assert!(exporter.log().contains("everything"), "{}", exporter.log());
}
