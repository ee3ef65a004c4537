//! Events and metrics, as a real OpenTelemetry collector receives them.

mod attributes;
mod ignored;
mod metrics;
mod mistakes;
mod outages;
mod tls;

use std::collections::BTreeSet;

use doubleslit_testbed::{
    collector::{Collector, LogRecord, Received},
    docker::LoadContainer,
    exporter::{Exporter, Setup},
    scrape::Scrape,
};
use serde_json::Value;

use crate::harness::{docker, setup};

const EXEC: &str = "doubleslit.process.exec";

/// The protocols of OTLP.
const PROTOCOLS: [&str; 2] = ["grpc", "http/protobuf"];

/// An exporter that sends to a collector by one of [`PROTOCOLS`], with these settings of the section `otlp`.
pub(crate) fn exporting(collector: &Collector, protocol: &str, otlp: &str) -> Setup {
    let address = if protocol == "grpc" { collector.grpc() } else { collector.http() };
    setup().config(&format!("otlp: {{endpoint: 'http://{address}', protocol: {protocol}, {otlp}}}"))
}

/// The same by gRPC, with a setup of one's own.
pub(crate) fn exporting_with(setup: Setup, collector: &Collector, otlp: &str) -> Setup {
    setup.config(&format!("otlp: {{endpoint: 'http://{}', protocol: grpc, {otlp}}}", collector.grpc()))
}

/// The same, and sends the executions of one container alone: whatever else the machine does changes nothing.
fn exporting_executions(of: &LoadContainer<'_>, to: &Collector, protocol: &str, otlp: &str) -> Setup {
    let events = format!("events: {{select: [{{event: exec, container_id: {}}}]}}", of.id);
    exporting(to, protocol, otlp).config(&events)
}

/// What tells an execution from every other: who, and when that began.
fn key(record: &LogRecord) -> (String, u64) {
    (record.attributes["process.pid"].to_string(), record.time)
}

/// Whether a program is what a load executes, by its name.
pub(crate) fn is_of_the_load(name: &str) -> bool {
    name.starts_with("exit-at-once.")
}

/// How many different executions of a container's load there are. A request whose acknowledgement was lost comes twice.
pub(crate) fn executions_of(received: &Received, container: &str) -> usize {
    let is_one = |record: &&LogRecord| is_execution(record, container, is_of_the_load);
    received.logs.iter().filter(is_one).map(key).collect::<BTreeSet<_>>().len()
}

fn is_execution(record: &LogRecord, container: &str, is_it: impl Fn(&str) -> bool) -> bool {
    let text = |attribute: &str| record.attributes.get(attribute).and_then(Value::as_str).unwrap_or_default();
    record.event_name == EXEC && text("container.id") == container && is_it(text("process.executable.name"))
}

/// Waits until the collector has all that has happened in a container until now: has it execute something else, which comes
/// behind that.
pub(crate) fn await_until_now(collector: &mut Collector, container: &LoadContainer<'_>) {
    let executions = |received: &Received| {
        received.logs.iter().filter(|record| is_execution(record, &container.id, |name| name == "true")).count()
    };
    let before = executions(collector.received());
    docker().cli(["exec", &container.id, "/bin/true"]);
    collector.await_received("the last execution", |received| executions(received) > before);
}

/// What became of log records: whatever was accepted is in one of these.
#[derive(Debug, PartialEq)]
struct Counted {
    accepted: f64,
    exported: f64,
    dropped: f64,
    queued: f64,
}

impl Counted {
    /// As a scrape says, which must add up. Nothing is rejected or given up here.
    fn of(scrape: &Scrape) -> Self {
        let counter = |name: &str| scrape.sum(&format!("doubleslit_otlp_log_records_{name}_total"), &[]);
        let counted = Self {
            accepted: counter("accepted"),
            exported: counter("exported"),
            dropped: counter("dropped"),
            queued: scrape.sum("doubleslit_otlp_queue_length", &[]),
        };
        assert_eq!((counter("rejected"), counter("failed")), (0.0, 0.0));
        let Self { accepted, exported, dropped, queued } = counted;
        assert_eq!(accepted, exported + dropped + queued, "{counted:?}");
        counted
    }

    /// Now.
    fn now(exporter: &mut Exporter) -> Self {
        Self::of(&exporter.scrape())
    }
}

/// How many different records the collector has.
fn different(received: &Received) -> usize {
    // Records without a process are told apart by their time.
    let key = |record: &LogRecord| (format!("{:?}", record.attributes), record.event_name.clone(), record.time);
    received.logs.iter().map(key).collect::<BTreeSet<_>>().len()
}
