//! README and docs, tried as their readers do: each command is run, each snippet is given to the program that it is for. What a
//! block is, it says behind its backticks; `cargo xtask docs --check` knows the kinds.

mod place;
mod shown;
mod stream;

use std::{fs, path::Path, process::Command, time::Duration};

use doubleslit_testbed::{
    collector,
    markdown::{self, Block},
    shell, wait,
};

use self::{
    place::{Place, Workload},
    shown::Shown,
};
use crate::{
    harness::{docker, setup},
    prometheus::Prometheus,
};

/// Beginnings of commands that are not run here, and why. The shell and `doubleslit` itself have parsed them all the same.
const NOT_RUN: &[(&str, &str)] = &[
    ("make ", "each takes minutes; `.ci/run` and `make test` are what runs this test"),
    ("cargo build ", "`make test` does it before this test"),
    ("sudo -E env \"PATH=$PATH\" cargo test ", "this test is what it runs"),
    ("sudo apt-get ", "the tests of `rollout` install the package, elsewhere"),
    ("sudo systemctl ", "no systemd need run here"),
    ("docker ", "images are built from a registry that need not be within reach"),
    ("kubectl ", "there is no cluster"),
    ("helm ", "there is no cluster"),
    ("sudo target/release/examples/exec_chain", "`library::from_the_client_to_the_containers_program` runs it"),
];

/// Expressions that have nothing to show while nothing is wrong.
const EMPTY_WHEN_WELL: &[&str] = &["doubleslit_counts_folded_total", "doubleslit_events_lost_total"];

/// All blocks of these kinds.
fn blocks(kinds: &[&str]) -> Vec<Block> {
    let all = markdown::pages().into_iter().flat_map(|page| page.blocks);
    let blocks: Vec<_> = all.filter(|block| kinds.contains(&block.kind.as_str())).collect();
    assert!(!blocks.is_empty(), "no block of {kinds:?}");
    blocks
}

/// The commands of a block, each with the lines that are shown below it.
fn commands(block: &Block) -> Vec<(String, Vec<String>)> {
    let text = block.text.replace("\\\n", " ");
    if block.kind == "sh" {
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        return lines.map(|line| (line.to_owned(), Vec::new())).collect();
    }
    let mut commands = Vec::<(String, Vec<String>)>::new();
    for line in text.lines() {
        match line.strip_prefix("$ ") {
            Some(command) => commands.push((command.to_owned(), Vec::new())),
            None => commands.last_mut().expect("a command comes first").1.push(line.to_owned()),
        }
    }
    commands
}

#[test]
#[ignore = "needs root and BTF"]
fn every_command_does_what_the_text_says() {
    let workload = Workload::start(docker());
    let mut place = Place::new(docker());
    for block in blocks(&["sh", "console"]) {
        for (command, shown) in commands(&block) {
            if let Some((_, why)) = NOT_RUN.iter().find(|(start, _)| command.starts_with(start)) {
                println!("{block}: `{command}` is not run: {why}");
                continue;
            }
            println!("{block}: {command}");
            let what = format!("{block}: `{command}`");
            if stream::goes_on(&command) {
                stream::until_shown(&mut place, &command, &Shown::new(&shown), &what);
            } else if place::is_exporter(&command) {
                place.run_exporter(&command, &what);
            } else {
                let printed = place.run(&command, &what);
                Shown::new(&shown).assert_in(&printed, &what);
            }
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
