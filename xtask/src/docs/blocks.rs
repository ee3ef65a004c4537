//! Blocks of code: each says what it is, and is that.

use std::{fs, io::Write as _};

use anyhow::Context as _;
use config::{File, FileFormat};
use doubleslit::config::Flags;
use doubleslit_testbed::markdown::{self, Block, Page};
use serde_json::Value;

use super::{commands, files};

/// What is said behind the three backticks, what it is, and whether it is that as far as can be told without running anything.
/// The kernel tests run commands and ask the programs that the other files are for.
const KINDS: &[(&str, &str, Check)] = &[
    ("sh", "commands, one a line or together one script; a kernel test runs each", |block| {
        commands::check(&block.text)
    }),
    ("console", "commands behind `$ ` and what they print; a kernel test compares", console),
    ("yaml", "a part of the exporter's configuration", configuration),
    ("yaml web", "a web configuration file (`--web.config.file`)", |block| doubleslit::web::understood(&block.text)),
    ("yaml prometheus", "a part of Prometheus's configuration; a kernel test has promtool check it", parsed),
    ("yaml otelcol", "the configuration of an OpenTelemetry collector; a kernel test has it validated", parsed),
    ("yaml helm", "values of the Helm chart; a test renders it with them", parsed),
    ("ini", "a part of a systemd unit; a test has systemd verify it", |_| Ok(())),
    ("promql", "expressions, separated by empty lines; a kernel test has Prometheus answer each", |_| Ok(())),
    ("metrics", "lines of /metrics, in which `…` stands for anything", |_| Ok(())),
    ("log", "messages, in which `…` stands for what differs", messages),
    ("rust,no_run", "a program, which a doc test compiles", rust),
    ("text", "none of these, such as a picture made of letters", |_| Ok(())),
];

type Check = fn(&Block) -> Result<(), String>;

pub(super) fn check(pages: &[Page]) -> Vec<String> {
    let mut complaints = Vec::new();
    for block in pages.iter().flat_map(|page| &page.blocks) {
        let result = match KINDS.iter().find(|(kind, ..)| *kind == block.kind) {
            Some((_, _, check)) => check(block),
            None => Err(format!("say what it is behind the backticks, one of\n{}", kinds())),
        };
        if let Err(complaint) = result {
            complaints.push(format!("{block}: {complaint}"));
        }
    }
    complaints
}

fn kinds() -> String {
    KINDS.iter().map(|(kind, what, _)| format!("    {kind:<16} {what}\n")).collect()
}

fn console(block: &Block) -> Result<(), String> {
    let commands = block.text.lines().filter_map(|line| line.strip_prefix("$ ")).collect::<Vec<_>>();
    if commands.is_empty() {
        return Err("no line begins with `$ `: where nothing is printed, it is `sh`".to_owned());
    }
    commands::check(&commands.join("\n"))
}

fn configuration(block: &Block) -> Result<(), String> {
    let load = || -> anyhow::Result<()> {
        let mut file = tempfile::NamedTempFile::new().context("cannot make a file")?;
        file.write_all(block.text.as_bytes()).context("cannot write a file")?;
        doubleslit::config::load(Some(file.path()), [], &Flags::default())?;
        Ok(())
    };
    load().map_err(|error| format!("{error:#}"))
}

fn parsed(block: &Block) -> Result<(), String> {
    yaml(&block.text).map(drop).map_err(|error| format!("no YAML: {error:#}"))
}

/// The parts between what differs are in the source.
fn messages(block: &Block) -> Result<(), String> {
    let mut sources = String::new();
    for path in files("exporter/src", ".rs") {
        // A text that goes on in the next line of the source is one line of a message.
        let text = fs::read_to_string(&path).map_err(|error| format!("cannot read `{}`: {error}", path.display()))?;
        let lines = text.split("\\\n").enumerate();
        lines.for_each(|(number, line)| sources.push_str(if number == 0 { line } else { line.trim_start() }));
    }
    let sources = sources.replace("\\\"", "\"");
    let parts = block.text.lines().flat_map(|line| line.split('…')).map(|part| part.trim_matches([' ', '`', ':']));
    match parts.filter(|part| !part.is_empty()).find(|part| !sources.contains(part)) {
        Some(part) => Err(format!("`{part}` is nowhere in exporter/src")),
        None => Ok(()),
    }
}

/// Doc tests compile what the library's own documentation takes in.
fn rust(block: &Block) -> Result<(), String> {
    let library = fs::read_to_string(markdown::root().join("exporter/src/lib.rs")).unwrap_or_default();
    let taken_in = format!("include_str!(\"../../{}\")", block.page.display());
    if library.contains(&taken_in) { Ok(()) } else { Err(format!("exporter/src/lib.rs lacks `{taken_in}`")) }
}

/// What a text of YAML says.
fn yaml(text: &str) -> anyhow::Result<Value> {
    let parts = config::Config::builder().add_source(File::from_str(text, FileFormat::Yaml)).build()?;
    Ok(parts.try_deserialize()?)
}
