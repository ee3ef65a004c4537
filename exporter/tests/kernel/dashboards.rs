//! The dashboards and alerts that come with the project.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use doubleslit_testbed::{docker::LoadContainer, shell, wait};
use serde_json::Value;

use crate::{
    harness::{docker, setup},
    prometheus::Prometheus,
};

/// How long Prometheus may need until every panel has something to show.
const PATIENCE: Duration = Duration::from_secs(60);

/// The list of all metrics.
const METRICS: &str = include_str!("../../../docs/metrics.md");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A dashboard's panels that show something.
fn panels(dashboard: &Value) -> impl Iterator<Item = &Value> {
    let panels = dashboard["panels"].as_array().expect("a list of panels");
    panels.iter().filter(|panel| panel["type"] != "row")
}

/// The expressions of a panel, as Grafana asks them with every namespace, pod and container.
fn expressions(panel: &Value) -> impl Iterator<Item = String> {
    let targets = panel["targets"].as_array().expect("a list of targets");
    targets.iter().map(|target| {
        let written = target["expr"].as_str().expect("an expression");
        let asked = ["namespace", "pod", "container"]
            .iter()
            .fold(written.replace("$__rate_interval", "10s"), |text, name| text.replace(&format!("${name}"), ".*"));
        assert!(!asked.contains('$'), "a variable of Grafana is left in `{asked}`");
        asked
    })
}

/// The dashboard of system calls.
fn dashboard() -> Value {
    let text = fs::read_to_string(root().join("dashboards/system-calls.json")).expect("the dashboard is there");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
#[ignore = "needs root and BTF"]
fn every_panel_of_system_calls_shows_something() {
    let dashboard = dashboard();
    let mut load = docker().load("panels", &[]);
    let calls = "syscalls: {time: true, histograms: [clock_nanosleep, openat]}";
    let exporter = setup().config("probes: {syscall: true}").config(calls).start();
    let prometheus = Prometheus::scraping(exporter.address);
    let mut missing = BTreeSet::new();
    let has_value = |expression: &String| {
        let values = prometheus.values(expression).unwrap_or_default();
        values.iter().any(|value| value.is_finite())
    };
    let all: Vec<_> = panels(&dashboard).flat_map(expressions).collect();
    assert!(all.len() >= 25, "{all:?}");
    wait::within(PATIENCE, "every panel shows something", || {
        work(&mut load);
        missing = all.iter().filter(|expression| !has_value(expression)).cloned().collect();
        println!("nothing yet: {missing:#?}");
        missing.is_empty().then_some(())
    });
}

/// Calls of every class.
fn work(load: &mut LoadContainer<'_>) {
    let refused = "connect-refused 127.0.0.1 9 3";
    let own = format!("signal {} 5", libc::SIGUSR1);
    for command in ["open-missing 1 10", "exec 2", "sleeps 2 2 10", "threads 2", refused, own.as_str(), "calls"] {
        load.load.run(command);
    }
}

#[test]
#[ignore = "needs root and BTF"]
fn panels_are_complete_and_ask_for_metrics_that_there_are() {
    let dashboard = dashboard();
    let mut places = BTreeSet::new();
    for panel in panels(&dashboard) {
        let title = panel["title"].as_str().expect("a title");
        let unit = panel["fieldConfig"]["defaults"]["unit"].as_str().expect("a unit");
        assert!(!title.is_empty() && !unit.is_empty(), "{panel}");
        assert!(places.insert(panel["gridPos"].to_string()), "another panel is where `{title}` is");
        expressions(panel).for_each(|expression| assert_metrics_exist(&expression));
    }
    let rules = fs::read_to_string(root().join("config/prometheus/doubleslit.rules.yml")).expect("the rules are there");
    rules.lines().filter(|line| !line.trim_start().starts_with('#')).for_each(assert_metrics_exist);
}

/// Checks that all metrics that a text names are among those that the exporter documents.
fn assert_metrics_exist(text: &str) {
    for (at, _) in text.match_indices("doubleslit_") {
        let name: String = text[at..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        let family = name.strip_suffix("_bucket").unwrap_or(&name);
        assert!(METRICS.contains(&format!("`{family}`")), "no metric `{name}`: {text}");
    }
}

#[test]
#[ignore = "needs root and BTF"]
fn alerts_come_when_they_should() {
    let rules = root().join("config/prometheus");
    for arguments in [["check", "rules", "doubleslit.rules.yml"], ["test", "rules", "doubleslit.test.yml"]] {
        let output = shell::output(Command::new("promtool").args(arguments).current_dir(&rules));
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        assert!(output.status.success(), "{arguments:?}: {said:?}");
    }
    // Each alert has a test.
    let [rules, tests] = ["doubleslit.rules.yml", "doubleslit.test.yml"]
        .map(|name| fs::read_to_string(rules.join(name)).expect("it is there"));
    let alerts: Vec<_> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() > 10, "{alerts:?}");
    for alert in alerts {
        assert!(tests.contains(&format!("alertname: {alert}")), "no test of {alert}");
    }
}
