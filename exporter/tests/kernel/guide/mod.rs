//! README and docs, tried as their readers do: each command is run, each snippet is given to the program that it is for. What a
//! block is, it says behind its backticks; `cargo xtask docs --check` knows the kinds. Commands that need more than this are run
//! elsewhere: [`Runner`] says where.

mod place;
mod shown;
mod stream;

use std::{fs, path::Path, process::Command, time::Duration};

use doubleslit_testbed::{
    collector,
    documented::{self, Runner, blocks},
    markdown, shell, wait,
};

use self::{
    place::{Place, Workload},
    shown::Shown,
};
use crate::{
    harness::{docker, setup},
    prometheus::Prometheus,
};

/// Parts of commands, and what is there instead. The first takes an hour and writes a file otherwise; the other runs tests, whose
/// exporters are to ask engines of their own.
const ALTERED: [(&str, &str); 2] = [
    ("make bench", "make bench ARGS='--quick --rounds 1'"),
    (" cargo test ", " env --unset=DOUBLESLIT_IDENTITY__DOCKER_ROOT cargo test "),
];

/// Expressions that have nothing to show while nothing is wrong.
const EMPTY_WHEN_WELL: &[&str] = &["doubleslit_counts_folded_total", "doubleslit_events_lost_total"];

#[test]
#[ignore = "needs root and BTF"]
fn every_command_does_what_the_text_says() {
    let workload = Workload::start(docker());
    let mut place = Place::new(docker());
    for command in documented::commands(Runner::Guide) {
        println!("{command}");
        let what = command.to_string();
        let text = ALTERED.iter().fold(command.text, |text, (part, other)| text.replacen(part, other, 1));
        let text = text.as_str();
        if stream::goes_on(text) {
            stream::until_shown(&mut place, text, &Shown::new(&command.shown), &what);
        } else if place::is_exporter(text) {
            place.run_exporter(text, &what);
        } else {
            let printed = place.run(text, &what);
            Shown::new(&command.shown).assert_in(&printed, &what);
        }
    }
    drop(workload);
}

#[test]
#[ignore = "needs root and BTF"]
fn every_expression_has_an_answer() {
    let _workload = Workload::start(docker());
    let exporter = setup()
        .config("probes: {syscall: true}\nsyscalls: {histograms: [openat]}\nbpf: {stats: true}\ntracepoints: [\"sched:sched_process_fork\"]")
        .start();
    let prometheus = Prometheus::scraping(exporter.address);
    let mut missing: Vec<_> = blocks(&["promql"])
        .into_iter()
        .flat_map(|block| {
            let text = block.text.replace("[5m]", "[10s]");
            text.split("\n\n").map(|expression| (block.clone(), expression.trim().to_owned())).collect::<Vec<_>>()
        })
        .collect();
    wait::within(Duration::from_secs(60), "every expression has an answer", || {
        missing.retain(|(_, expression)| {
            let is_answered = prometheus.values(expression).is_some_and(|values| !values.is_empty());
            !is_answered && !EMPTY_WHEN_WELL.iter().any(|name| expression.contains(name))
        });
        missing.iter().for_each(|(block, expression)| println!("{block}: nothing yet for `{expression}`"));
        missing.is_empty().then_some(())
    });
}

#[test]
#[ignore = "needs root and BTF"]
fn the_schema_takes_what_the_exporter_takes() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let instance = directory.path().join("instance.json");
    let is_valid = |text: &str| {
        let source = config::File::from_str(text, config::FileFormat::Yaml);
        let tree = config::Config::builder().add_source(source).build().expect("YAML");
        let tree: serde_json::Value = tree.try_deserialize().expect("a tree");
        fs::write(&instance, tree.to_string()).expect("a file can be written");
        let schema = markdown::root().join("config/doubleslit.schema.json");
        shell::output(Command::new("jsonschema").arg("-i").arg(&instance).arg(schema))
    };
    let example = fs::read_to_string(markdown::root().join("config/doubleslit.yaml")).expect("it is there");
    for text in blocks(&["yaml"]).into_iter().map(|block| block.text).chain([example]) {
        let output = is_valid(&text);
        assert!(output.status.success(), "{}\n{text}", String::from_utf8_lossy(&output.stderr));
    }
    for text in [
        "pol: {}",
        "poll: {intervall: 1s}",
        "poll: {interval: soon}",
        "probes: {exec: perhaps}",
        "log: {level: loud}",
        "maps: {counts: many}",
        "events: {select: 7}",
        "otlp: {logs: {batch: some}}",
    ] {
        assert!(!is_valid(text).status.success(), "{text}");
    }
}

#[test]
#[ignore = "needs root and BTF"]
fn every_snippet_is_taken_by_the_program_that_it_is_for() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let file = directory.path().join("snippet.yml");
    // Rules and other files are named from there on.
    let config = markdown::root().join("config/prometheus");
    std::os::unix::fs::symlink(config, directory.path().join("prometheus")).expect("a link can be made");
    for named in ["ca.crt", "client.crt", "client.key", "password"] {
        fs::write(directory.path().join(named), "").expect("a file can be written");
    }
    let collector = collector::binary();
    for (kind, program, arguments) in [
        ("yaml prometheus", Path::new("promtool"), &["check", "config"][..]),
        ("yaml otelcol", &*collector, &["validate", "--config"]),
    ] {
        for block in blocks(&[kind]) {
            fs::write(&file, &block.text).expect("a file can be written");
            let output = shell::output(Command::new(program).args(arguments).arg(&file));
            let told = [output.stdout, output.stderr].concat();
            assert!(output.status.success(), "{block}: {}", String::from_utf8_lossy(&told));
        }
    }
}
