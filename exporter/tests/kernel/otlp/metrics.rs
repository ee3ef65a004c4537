use std::time::Duration;

use doubleslit_testbed::{
    collector::{Collector, Kind, Point, Received},
    scrape::{self, Labels, Scrape, Series},
    wait,
};

use super::{PROTOCOLS, exporting};
use crate::harness::docker;

/// The labels of the identity, by the attributes that say the same.
const IDENTITY: [(&str, &str); 4] = [
    ("container.id", "container_id"),
    ("container.name", "container"),
    ("container.runtime.name", "runtime"),
    ("container.image.name", "image"),
];

#[test]
#[ignore = "needs root and BTF"]
fn pushed_metrics_are_those_of_a_scrape() {
    for protocol in PROTOCOLS {
        let mut collector = Collector::start();
        let settings = "logs: {enabled: false}, metrics: {enabled: true, interval: 1s}";
        let calls = "syscalls: {calls: [clock_nanosleep], histograms: [clock_nanosleep]}";
        let setup = exporting(&collector, protocol, settings).config("probes: {syscall: true}").config(calls);
        let mut exporter = setup.start();
        let mut container = docker().load("pushed", &[]);
        container.load.run("exec 30");
        container.load.run("exit 3 7");
        container.load.run("sleeps 2 5 3");
        let scrape = of_container(&exporter.scrape(), &container.id);
        let execs = scrape.sum("doubleslit_process_execs_total", &[]);
        assert_eq!(scrape.sum("doubleslit_syscall_latency_seconds_count", &[]), 10.0);
        let started = scrape.value("doubleslit_container_start_time_seconds", &[]).expect("it has started");

        wait::until("the same numbers", || {
            let scrape = of_container(&exporter.scrape(), &container.id);
            let pushed = last_of(collector.received(), &container.id).flat_map(series).collect();
            (Scrape(pushed) == scrape).then_some(())
        });
        for point in last_of(collector.received(), &container.id) {
            assert_eq!(
                (point.resource["service.name"].as_str(), point.scope.name.as_str()),
                (Some("doubleslit"), "doubleslit")
            );
            let began = match point.kind {
                Kind::Sum { monotonic, cumulative } => {
                    assert!(monotonic && cumulative, "{}", point.name);
                    started
                }
                Kind::Histogram { cumulative } => {
                    assert!(cumulative, "{}", point.name);
                    started
                }
                Kind::Gauge => 0.0,
            };
            // Rows with a sender come and go with their sender.
            let began = if point.name == "doubleslit_signal_edges" { 0.0 } else { began };
            assert_eq!(Duration::from_nanos(point.start_time).as_secs_f64(), began, "{}", point.name);
        }
        // What cannot wait for the next interval is sent at the end.
        container.load.run("exec 5");
        let (status, _, log) = exporter.stop();
        assert!(status.success(), "{log}");
        let last: Scrape = Scrape(last_of(collector.received(), &container.id).flat_map(series).collect());
        assert_eq!(last.sum("doubleslit_process_execs_total", &[]), execs + 5.0);
    }
}

/// A container's rows, without empty labels, which are the same as none.
fn of_container(scrape: &Scrape, id: &str) -> Scrape {
    let rows = scrape.0.iter().filter(|(series, _)| series.labels.get("container_id").is_some_and(|label| label == id));
    let filled = |labels: &Labels| {
        labels.iter().filter(|(_, value)| !value.is_empty()).map(|(a, b)| (a.clone(), b.clone())).collect()
    };
    let series = |series: &Series| Series { name: series.name.clone(), labels: filled(&series.labels) };
    Scrape(rows.map(|(row, value)| (series(row), *value)).collect())
}

/// A container's points of the last push.
fn last_of<'a>(received: &'a Received, id: &str) -> impl Iterator<Item = &'a Point> {
    let is_of = |point: &&Point| point.attributes.get("container.id").is_some_and(|attribute| attribute == id);
    let last = received.metrics.iter().filter(is_of).map(|point| point.time).max();
    received.metrics.iter().filter(is_of).filter(move |point| Some(point.time) == last).collect::<Vec<_>>().into_iter()
}

/// A point as a scrape has it.
fn series(point: &Point) -> Vec<(Series, f64)> {
    let label = |name: &String| {
        IDENTITY.iter().find(|(attribute, _)| attribute == name).map_or(name.as_str(), |(_, label)| label).to_owned()
    };
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    let labels: Labels = point.attributes.iter().map(|(name, value)| (label(name), text(value))).collect();
    let one = |suffix: &str| {
        let value = point.value.as_f64().expect("a number");
        vec![(Series { name: format!("{}{suffix}", point.name), labels: labels.clone() }, value)]
    };
    match point.kind {
        Kind::Gauge => one(""),
        Kind::Sum { .. } => one("_total"),
        Kind::Histogram { .. } => {
            let list = |part: &str| point.value[part].as_array().expect("a list");
            let counts: Vec<_> = list("counts").iter().map(|count| count.as_u64().expect("a number")).collect();
            let bounds: Vec<_> = list("bounds").iter().map(|bound| bound.as_f64().expect("a number")).collect();
            assert_eq!(point.value["count"].as_u64(), Some(counts.iter().sum()));
            scrape::histogram(&point.name, &labels, &counts, &bounds, point.value["sum"].as_f64().expect("a number"))
        }
    }
}
