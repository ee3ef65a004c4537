//! Single events through reloads: whoever wants them gets every one.

use std::thread;

use doubleslit_testbed::{
    api::{self, Stream},
    collector::Collector,
    docker::LoadContainer,
    exporter::{Exporter, Setup},
    wait,
};

use serde_json::Value;

use super::{Enough, Until, reload, take_over};
use crate::{
    api::{assert_executions, is_last},
    harness::{assert_conserved, docker},
    otlp::{await_until_now, executions_of, exporting, is_of_the_load},
};

/// How many reloads happen while there is load.
const RELOADS: usize = 24;

/// A trace that every configuration has.
const STEADY: &str = "{name: steady, containers: [reload-a], events: [exec]}";

/// Configurations that all want the executions in one container, in other words each. Another one is wanted now and then.
fn setups(collector: &Collector, a: &LoadContainer<'_>, b: &LoadContainer<'_>) -> Vec<Setup> {
    let (a, b) = (&a.id, &b.id);
    let of = |lines: &str| exporting(collector, "http/protobuf", "logs: {linger: 10ms}").config(lines);
    let traces = |more: &str| format!("traces: [{STEADY}{more}]");
    vec![
        of(&format!("events: {{select: [{{event: exec, container_id: {a}}}]}}\n{}", traces(""))),
        of(&format!(
            "events: {{select: [{{event: exec}}], drop: [{{container_id: {b}}}]}}\n{}",
            traces(", {name: other, containers: [reload-b], events: [exec]}")
        )),
        of(&format!(
            "events: {{select: [{{event: exec, uid: 4242}}, {{event: exec, container: reload-*}}]}}\n{}",
            traces(", {name: other, containers: [reload-b], events: [fork]}")
        )),
        of(&format!(
            "events: {{select: [{{event: exec, container_id: [{a}, {b}]}}], drop: [{{uid: 4242}}, {{container: none-*}}]}}\n\
             ignore: [{{container: reload-b}}]\n{}",
            traces("")
        )),
        of(&format!(
            "events: {{select: [{{event: exec, uid: 0}}], drop: [{{event: exec, container: reload-b}}], \
             sample: [{{event: fork, one_in: 3}}]}}\nlog: {{format: json}}\n{}",
            traces("")
        )),
    ]
}

#[test]
#[ignore = "needs root and BTF"]
fn a_collector_and_a_reader_of_a_trace_get_every_event() {
    let mut collector = Collector::start();
    let mut a = docker().load("reload-a", &[]);
    let mut b = docker().load("reload-b", &[]);
    let setups = setups(&collector, &a, &b);
    let mut exporter = setups[0].start();
    let socket = exporter.socket.clone();
    wait::until("the trace is about the container", || {
        let (_, trace) = api::ask(&socket, "GET", "/api/v1/traces/steady", "");
        trace["status"]["containers"].as_array().filter(|containers| !containers.is_empty()).map(drop)
    });
    // The kernel decides by what is known of owners, from the first event on.
    await_until_now(&mut collector, &a);
    let mut stream = Stream::open(&socket, "/api/v1/traces/steady/events", "application/x-ndjson");
    let enough = Enough::default();
    let (executions, read) = thread::scope(|scope| {
        let reader = scope.spawn(|| stream.before(is_last));
        let until = Until(&enough);
        let first = scope.spawn(|| {
            let count = enough.repeat(&mut a, "exec");
            a.load.run("execveat 1");
            count
        });
        let second = scope.spawn(|| enough.repeat(&mut b, "exec"));
        for setup in setups.iter().cycle().skip(1).take(RELOADS) {
            take_over(&exporter, setup);
        }
        drop(until);
        second.join().expect("the load runs");
        (first.join().expect("the load runs"), reader.join().expect("the stream goes on"))
    });
    println!("{executions} executions through {RELOADS} reloads");
    // The one that was waited for may be read late, and then comes first.
    let of_the_load = |event: &Value| event["process.executable.name"].as_str().is_some_and(is_of_the_load);
    let read: Vec<_> = read.into_iter().filter(of_the_load).collect();
    assert_executions(&read, &a, executions);
    let received = collector.await_received("all executions", |received| executions_of(received, &a.id) >= executions);
    assert_eq!(executions_of(received, &a.id), executions);
    let scrape = exporter.scrape();
    for name in ["doubleslit_events_lost_total", "doubleslit_events_missed_total"] {
        assert_eq!(scrape.sum(name, &[]), 0.0, "{name}");
    }
    assert_conserved(&scrape);
}

#[test]
#[ignore = "needs root and BTF"]
fn the_kernel_decides_by_the_new_rules() {
    let collector = Collector::start();
    let mut a = docker().load("reload-a", &[]);
    let b = docker().load("reload-b", &[]);
    let wanting = |id: &str| {
        exporting(&collector, "http/protobuf", "logs: {linger: 10ms}")
            .config(&format!("events: {{select: [{{event: exec, container_id: {id}}}]}}"))
    };
    let (for_a, for_b) = (wanting(&a.id), wanting(&b.id));
    let mut exporter = for_b.start();
    for (setup, is_wanted) in [(&for_a, true), (&for_b, false), (&for_a, true)] {
        take_over(&exporter, setup);
        let change = exporter.during(|| {
            a.load.run("exec 50");
        });
        let of = |name: &str| change.sum(&format!("doubleslit_events_{name}_total"), &[("event", "exec")]);
        let exports = change.sum("doubleslit_otlp_log_records_accepted_total", &[]);
        println!("wanted: {is_wanted}: {} generated, {} filtered, {exports} accepted", of("generated"), of("filtered"));
        if is_wanted {
            let accepted =
                |exporter: &mut Exporter| exporter.scrape().sum("doubleslit_otlp_log_records_accepted_total", &[]);
            wait::until("all are accepted", || (accepted(&mut exporter) >= 50.0).then_some(()));
        } else {
            assert!(of("filtered") >= 50.0, "{} are filtered", of("filtered"));
        }
    }
}

#[test]
#[ignore = "needs root and BTF"]
fn a_trace_that_cannot_be_had_has_nothing_change() {
    let collector = Collector::start();
    let web = docker().load("reload-a", &[]);
    let of = |lines: &str| exporting(&collector, "http/protobuf", "logs: {linger: 10ms}").config(lines);
    let exec = format!("events: {{select: [{{event: exec, container_id: {}}}]}}", web.id);
    let exporter = of(&format!("{exec}\ntraces: [{STEADY}]")).start();
    let spec = serde_json::json!({"containers": ["reload-a"], "events": ["fork"]});
    api::trace(&exporter.socket, "mine", &spec);
    let traces = |exporter: &Exporter| {
        let (_, list) = api::ask(&exporter.socket, "GET", "/api/v1/traces", "");
        let names = list["running"].as_array().expect("a list").iter();
        names.map(|trace| (trace["name"].to_string(), trace["status"]["created"].to_string())).collect::<Vec<_>>()
    };
    let before = traces(&exporter);
    for (lines, expected) in [
        (
            "events: {select: [{event: exec}]}\ntraces: [{name: mine, events: [exec]}]".to_owned(),
            "cannot begin what `traces` declares; nothing was changed: duplicate trace `mine`: delete it first, or choose \
             another name",
        ),
        (
            format!("{exec}\ntraces: [{{name: x, tracepoints: ['no:such']}}]"),
            "cannot begin what `traces` declares; nothing was changed: invalid `tracepoints[0]`: ",
        ),
        (
            "events: {select: [{event: [exec, fork]}]}".to_owned(),
            "`events` asks for single events of the kind `fork` that it did not ask for when the exporter started: restart \
             to apply; nothing was changed",
        ),
    ] {
        let (status, problem) = reload(&exporter, &of(&lines));
        let detail = problem["detail"].as_str().expect("a text");
        assert!(status == 422 && detail.starts_with(expected), "{status}: {detail}");
        assert_eq!(traces(&exporter), before);
    }
    // What is declared no more ends, what somebody else began does not.
    take_over(&exporter, &of(&exec));
    let left: Vec<_> = traces(&exporter).into_iter().map(|(name, _)| name).collect();
    assert_eq!(left, ["\"mine\""]);
}
