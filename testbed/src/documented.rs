//! The commands of README and docs, and the test that runs each: none can be documented that no test runs.

use std::fmt;

use crate::markdown::{self, Block};

/// Who runs commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runner {
    /// Where the exporter runs beside containers. It runs what nobody else does.
    Guide,
    /// Beside an engine that starts a container meanwhile.
    Library,
    /// On a machine of its own that systemd has booted.
    Machine,
    /// Where there is the API server of Kubernetes.
    Cluster,
    /// Where there is a registry of images.
    Registry,
    /// What every change must pass.
    Ci,
}

/// Beginnings of commands, and who runs them. The first that fits holds.
const RUNNERS: &[(&str, Runner)] = &[
    ("make check", Runner::Ci),
    ("make test", Runner::Ci),
    ("sudo target/release/examples/exec_chain", Runner::Library),
    ("sudo apt-get ", Runner::Machine),
    ("sudo install -D ", Runner::Machine),
    ("sudo systemctl ", Runner::Machine),
    ("kubectl ", Runner::Cluster),
    ("helm ", Runner::Cluster),
    ("docker ", Runner::Registry),
];

impl Runner {
    /// The file of the test, which takes the commands by [`commands`].
    #[must_use]
    pub fn file(self) -> &'static str {
        match self {
            Self::Guide => "exporter/tests/kernel/guide/mod.rs",
            Self::Library => "exporter/tests/kernel/library.rs",
            Self::Machine => "exporter/tests/rollout/machine.rs",
            Self::Cluster => "exporter/tests/rollout/cluster.rs",
            Self::Registry => "exporter/tests/rollout/registry.rs",
            Self::Ci => ".ci/run",
        }
    }

    fn of(command: &str) -> Self {
        RUNNERS.iter().find(|(start, _)| command.starts_with(start)).map_or(Self::Guide, |(_, runner)| *runner)
    }
}

/// A documented command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Where it is.
    pub block: Block,
    /// What a shell is given.
    pub text: String,
    /// The lines that are shown below it.
    pub shown: Vec<String>,
}

impl fmt::Display for Command {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: `{}`", self.block, self.text)
    }
}

/// The commands that somebody runs, in the order of the pages. Panics when there are none.
#[must_use]
pub fn commands(runner: Runner) -> Vec<Command> {
    let mut commands: Vec<_> = blocks(&["sh", "console"]).iter().flat_map(commands_of).collect();
    commands.retain(|command| Runner::of(&command.text) == runner);
    assert!(!commands.is_empty(), "{runner:?} has nothing to run");
    commands
}

/// All blocks of these kinds. Panics when there are none.
#[must_use]
pub fn blocks(kinds: &[&str]) -> Vec<Block> {
    let all = markdown::pages().into_iter().flat_map(|page| page.blocks);
    let blocks: Vec<_> = all.filter(|block| kinds.contains(&block.kind.as_str())).collect();
    assert!(!blocks.is_empty(), "no block of {kinds:?}");
    blocks
}

fn commands_of(block: &Block) -> Vec<Command> {
    let command = |text: &str| Command { block: block.clone(), text: text.to_owned(), shown: Vec::new() };
    let text = block.text.replace("\\\n", " ");
    if block.kind == "sh" {
        return text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(command).collect();
    }
    let mut commands = Vec::<Command>::new();
    for line in text.lines() {
        match line.strip_prefix("$ ") {
            Some(text) => commands.push(command(text)),
            None => commands.last_mut().expect("a command comes first").shown.push(line.to_owned()),
        }
    }
    commands
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read(file: &str) -> String {
        fs::read_to_string(markdown::root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
    }

    #[test]
    fn whoever_is_to_run_commands_takes_them_from_the_pages() {
        let named = RUNNERS.iter().map(|(_, runner)| *runner);
        for runner in named.chain([Runner::Guide]).filter(|runner| *runner != Runner::Ci) {
            let file = runner.file();
            assert!(read(file).contains(&format!("documented::commands(Runner::{runner:?})")), "{file}");
        }
        let ci = read(Runner::Ci.file());
        for command in commands(Runner::Ci) {
            let run = command.text.split(" #").next().unwrap_or_default().trim();
            assert!(ci.lines().any(|line| line.starts_with("step ") && line.ends_with(run)), "{command}");
        }
    }

    #[test]
    fn every_beginning_is_that_of_a_command() {
        let all: Vec<_> = blocks(&["sh", "console"]).iter().flat_map(commands_of).collect();
        for (start, runner) in RUNNERS {
            let fits = |command: &&Command| command.text.starts_with(start) && Runner::of(&command.text) == *runner;
            assert!(all.iter().any(|command| fits(&command)), "no page has `{start}`");
        }
    }

    #[test]
    fn commands_and_what_is_shown_below_them() {
        let block = |kind: &str, text: &str| Block {
            page: "docs/x.md".into(),
            line: 1,
            kind: kind.to_owned(),
            text: text.to_owned(),
        };
        let of = |kind: &str, text: &str| -> Vec<_> {
            commands_of(&block(kind, text)).into_iter().map(|command| (command.text, command.shown)).collect()
        };
        let plain = |text: &str| (text.to_owned(), Vec::<String>::new());
        assert_eq!(of("sh", "# no\n\na \\\n  b\nc # d\n"), [plain("a    b"), plain("c # d")]);
        assert_eq!(
            of("console", "$ a\nb\nc\n$ d\n"),
            [("a".to_owned(), vec!["b".to_owned(), "c".to_owned()]), plain("d")]
        );
    }
}
