//! Dashboards, alerts and rules name what there is, and say what they show.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use doubleslit_testbed::dashboard::Dashboard;
use serde::Deserialize;
use serde_json::Value;

/// The list of all metrics.
const METRICS: &str = include_str!("../../docs/metrics.md");

/// Labels that every row has, and those that Prometheus adds.
const IDENTITY: [&str; 6] = ["namespace", "pod", "container", "container_id", "instance", "job"];

/// What Prometheus has by itself.
const OF_PROMETHEUS: [(&str, &[&str]); 2] =
    [("up", &["instance", "job"]), ("ALERTS", &["alertname", "alertstate", "severity", "container"])];

/// Words that stand before a list of labels.
const LISTS: [&str; 6] = ["by", "on", "ignoring", "group_left", "group_right", "without"];

/// The labels of each metric that the exporter documents. A histogram is three metrics.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let mut all = BTreeMap::new();
    for line in METRICS.lines() {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let ["", name, kind @ ("counter" | "gauge" | "histogram"), labels, _, ""] = cells[..] else { continue };
        let name = name.trim_matches('`');
        let mut known: BTreeSet<_> = ["instance", "job"].map(str::to_owned).into();
        for label in labels.split(", ").filter(|label| !label.is_empty()) {
            match label {
                "{I}" => known.extend(IDENTITY.map(str::to_owned)),
                label => drop(known.insert(label.trim_matches('`').to_owned())),
            }
        }
        if kind == "histogram" {
            for suffix in ["bucket", "sum", "count"] {
                let mut known = known.clone();
                known.insert("le".to_owned());
                all.insert(format!("{name}_{suffix}"), known);
            }
        } else {
            all.insert(name.to_owned(), known);
        }
    }
    for (name, labels) in OF_PROMETHEUS {
        all.insert(name.to_owned(), labels.iter().map(|label| (*label).to_owned()).collect());
    }
    for rule in rules() {
        all.extend(rule.record.map(|name| (name, grouped(&rule.expr).into_iter().flatten().collect())));
    }
    all
}

/// The file of rules.
#[derive(Debug, Deserialize)]
struct Groups {
    groups: Vec<Group>,
}

#[derive(Debug, Deserialize)]
struct Group {
    rules: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
struct Rule {
    alert: Option<String>,
    record: Option<String>,
    expr: String,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

fn rules() -> Vec<Rule> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/prometheus/doubleslit.rules.yml");
    let source = config::File::from(path).format(config::FileFormat::Yaml);
    let file = config::Config::builder().add_source(source).build().and_then(config::Config::try_deserialize);
    file.map(|Groups { groups }| groups.into_iter().flat_map(|group| group.rules).collect()).expect("rules")
}

/// The words of an expression, texts in quotes left out: each with what comes next.
fn words(expression: &str) -> Vec<(String, char)> {
    let outside: String = expression.split('"').step_by(2).collect();
    let mut words = Vec::new();
    let mut rest = outside.as_str();
    let is_inside = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    while let Some(start) = rest.find(is_inside) {
        let word: String = rest[start..].chars().take_while(|c| is_inside(*c)).collect();
        rest = &rest[start + word.len()..];
        let next = rest.trim_start().chars().next().unwrap_or(' ');
        words.push((word, next));
    }
    words
}

/// The labels of each list in an expression.
fn grouped(expression: &str) -> Vec<Vec<String>> {
    let mut lists = Vec::new();
    for word in LISTS {
        for (at, _) in expression.match_indices(&format!("{word} (")) {
            let list = expression[at..].split_once('(').and_then(|(_, rest)| rest.split_once(')')).expect("a list").0;
            lists.push(list.split(", ").filter(|label| !label.is_empty()).map(str::to_owned).collect());
        }
    }
    lists
}

/// Checks that the metrics of an expression are documented, with the labels that they are selected by.
fn assert_known(what: &str, expression: &str, metrics: &BTreeMap<String, BTreeSet<String>>) {
    let mut found = BTreeSet::new();
    for (word, next) in words(expression) {
        let is_metric = word.starts_with("doubleslit_") || word.starts_with("process_") || word.contains(':');
        if is_metric || metrics.contains_key(&word) && next != '(' {
            assert!(metrics.contains_key(&word), "{what}: there is no metric `{word}`");
            found.insert(word);
        }
    }
    assert!(!found.is_empty(), "{what}: no metric in `{expression}`");
    for name in &found {
        for (at, _) in expression.match_indices(&format!("{name}{{")) {
            let inside = &expression[at + name.len() + 1..];
            // No selector has a brace in a text.
            let inside = inside.split_once('}').expect("a closing brace").0;
            for label in
                inside.split(", ").filter_map(|test| test.split(['=', '!']).next()).filter(|label| !label.is_empty())
            {
                assert!(metrics[name].contains(label), "{what}: `{name}` has no label `{label}`");
            }
        }
    }
    let all: BTreeSet<_> = found.iter().flat_map(|name| &metrics[name]).collect();
    for label in grouped(expression).iter().flatten() {
        assert!(all.contains(label), "{what}: none of {found:?} has a label `{label}`");
    }
}

#[test]
fn panels_ask_for_metrics_and_labels_that_there_are() {
    let metrics = documented();
    for dashboard in Dashboard::all() {
        for panel in dashboard.panels() {
            for expression in dashboard.expressions(panel, "1m") {
                assert_known(&format!("{} in {}", panel["title"], dashboard.file), &expression, &metrics);
            }
        }
        for variable in dashboard.variables() {
            let (selector, label) = dashboard.values(variable);
            assert_known(&dashboard.file, &format!("count by ({label}) ({selector})"), &metrics);
        }
    }
}

#[test]
fn rules_ask_for_metrics_and_labels_that_there_are() {
    let metrics = documented();
    let rules = rules();
    assert!(rules.iter().filter(|rule| rule.alert.is_some()).count() > 15, "{rules:?}");
    assert!(rules.iter().any(|rule| rule.record.is_some()), "{rules:?}");
    for rule in &rules {
        let name = rule.alert.as_ref().or(rule.record.as_ref()).expect("an alert or a record");
        assert_known(name, &rule.expr, &metrics);
    }
}

#[test]
fn every_rule_has_a_test_and_every_alert_a_runbook() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let [tests, document] = ["config/prometheus/doubleslit.test.yml", "docs/alerts.md"]
        .map(|name| fs::read_to_string(root.join(name)).expect("it is there"));
    for rule in rules() {
        if let Some(name) = rule.record {
            assert!(tests.contains(&format!("expr: {name}\n")), "no test of `{name}`");
        }
        if let Some(name) = rule.alert {
            // It comes in one test, and in another one it does not.
            let of_it: Vec<_> =
                tests.split("- eval_time:").filter(|test| test.contains(&format!("alertname: {name}\n"))).collect();
            let silent = of_it.iter().filter(|test| test.contains("exp_alerts: []")).count();
            assert!(
                silent >= 1 && silent < of_it.len(),
                "`{name}` needs a test in which it comes, and one in which it does not"
            );
            let runbook = format!("docs/alerts.md#{}", name.to_lowercase());
            assert_eq!(rule.annotations.get("runbook"), Some(&runbook), "{name}");
            assert!(document.contains(&format!("\n### {name}\n")), "docs/alerts.md tells nothing of `{name}`");
        }
    }
}

#[test]
fn dashboards_are_complete() {
    let mut own = BTreeSet::new();
    for dashboard in Dashboard::all() {
        let (file, json) = (&dashboard.file, &dashboard.json);
        let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        for key in ["uid", "title"] {
            let value = text(&json[key]).unwrap_or_else(|| panic!("{file} has no {key}"));
            assert!(value.starts_with("doubleslit"), "{file}: {value}");
            assert!(own.insert(value.clone()), "{file}: another dashboard has the {key} `{value}`");
        }
        assert!(text(&json["description"]).is_some(), "{file} has no description");
        assert_eq!(json["tags"], serde_json::json!(["doubleslit"]), "{file}");
        assert_eq!(json["schemaVersion"], 39, "{file}");
        assert_eq!(json["links"][0]["tags"], json["tags"], "{file} leads to no other dashboard");

        let mut ids = BTreeSet::new();
        let mut places: Vec<(String, [u64; 4])> = Vec::new();
        for panel in dashboard.panels() {
            let title = text(&panel["title"]).unwrap_or_else(|| panic!("a panel without a title in {file}"));
            for value in [&panel["description"], &panel["fieldConfig"]["defaults"]["unit"]] {
                assert!(text(value).is_some(), "{title} in {file} has no description or unit");
            }
            assert!(ids.insert(panel["id"].as_u64().expect("an id")), "{title} in {file} has another panel's id");
            let [x, y, w, h] = ["x", "y", "w", "h"].map(|key| panel["gridPos"][key].as_u64().expect("a place"));
            assert!(x + w <= 24, "{title} in {file} is too wide");
            for (other, [ox, oy, ow, oh]) in &places {
                let apart = x + w <= *ox || ox + ow <= x || y + h <= *oy || oy + oh <= y;
                assert!(apart, "{title} in {file} is where {other} is");
            }
            places.push((title.clone(), [x, y, w, h]));
            for target in panel["targets"].as_array().expect("a list of targets") {
                assert_eq!(target["datasource"], panel["datasource"], "{title} in {file}");
                let is_table = panel["type"] == "table";
                assert_eq!(target["format"] == "table", is_table, "{title} in {file} is a table or is not");
                assert!(is_table || text(&target["legendFormat"]).is_some(), "{title} in {file} has no legend");
            }
        }
    }
}
