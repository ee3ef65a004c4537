//! `doubleslit watch`.

use std::{
    io::{self, Write as _},
    mem,
    process::ExitCode,
};

use clap::{Args, ColorChoice, ValueEnum};
use doubleslit_common::kind::Kind;

use super::{ConfigArguments, Failure, color, is_id, log, require};
use crate::{
    app::{self, Unseen},
    config::{Events, Flags},
    events::{event::Event, render},
    filter::{self, FilterError, List, WrittenRule},
};

const AFTER_HELP: &str = "\
Events go to standard output, one line each, until SIGINT or SIGTERM, or until nobody reads them any more. Everything else \
goes to standard error. No configuration is needed, and no exporter need run.

Examples:
  doubleslit watch                           Everything, for people
  doubleslit watch --event exec --args       Programs that are executed, with their arguments
  doubleslit watch --select signal=SIGKILL   Who is killed, and by whom
  doubleslit watch -o json | jq -c .         One JSON object a line";

/// The flags of `watch`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,

    /// Kinds of events, separated by commas; those of the profile unless given
    #[arg(long = "event", value_name = "EVENT", value_delimiter = ',', value_parser = kinds)]
    events: Vec<Kinds>,

    /// Print only events that match this rule, such as `event=exec,comm=sh`, or another one of the same flag
    #[arg(long, value_name = "RULE")]
    select: Vec<String>,

    /// Print no events that match this rule
    #[arg(long, value_name = "RULE")]
    drop: Vec<String>,

    /// Print only events of containers whose name or id matches this pattern, such as `web-*`
    #[arg(long = "container", value_name = "PATTERN")]
    containers: Vec<String>,

    /// Print only some events, such as `event=exec,one_in=10`, or `per_second=100` for each container
    #[arg(long, value_name = "RULE")]
    sample: Vec<String>,

    /// Form of a line
    #[arg(short, long, value_enum, value_name = "FORM", default_value_t)]
    output: Form,

    /// When to colour text; without it, on a terminal unless NO_COLOR is set
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = ColorChoice::Auto)]
    color: ColorChoice,

    /// Print the arguments of executed programs, which may hold secrets
    #[arg(long = "args")]
    arguments: bool,

    /// Print the working directory of executed programs
    #[arg(long = "cwd")]
    working_directory: bool,

    /// Least important log lines that appear: error, warn, info, debug or trace
    #[arg(long = "log.level", value_name = "LEVEL", default_value = "warn")]
    log_level: String,
}

/// Kinds that have a name in common.
#[derive(Clone, Debug)]
struct Kinds(Vec<Kind>);

fn kinds(name: &str) -> Result<Kinds, String> {
    filter::kinds(name).map(Kinds)
}

/// The rules for containers with these names, or with ids that begin like this.
fn of_containers(patterns: &[String]) -> List<'static> {
    let (ids, names): (Vec<_>, Vec<_>) = patterns.iter().partition(|pattern| is_id(pattern));
    let rules = [
        ("container", names.into_iter().cloned().collect::<Vec<_>>()),
        ("container_id", ids.into_iter().map(|id| format!("{id}*")).collect()),
    ];
    let rules = rules.into_iter().filter(|(_, values)| !values.is_empty());
    let rules = rules.map(|(field, values)| WrittenRule([(field.to_owned(), values)].into()));
    List { name: "--container", rules: rules.collect() }
}

impl Arguments {
    /// Puts the flags on top of what the configuration asks for.
    fn narrow(&self, events: &mut Events) -> Result<(), FilterError> {
        let Self { events: kinds, select, drop, containers, sample, arguments, working_directory, .. } = self;
        if !kinds.is_empty() {
            events.kinds = kinds.iter().flat_map(|kinds| &kinds.0).copied().collect();
        }
        let parse = |name: &'static str, rules: &[String]| {
            let rules = rules.iter().map(|rule| WrittenRule::parse(rule, name)).collect::<Result<_, _>>();
            rules.map(|rules| List { name, rules })
        };
        events.filter = mem::take(&mut events.filter)
            .and(of_containers(containers), List::default())?
            .and(parse("--select", select)?, parse("--drop", drop)?)?;
        for rule in parse("--sample", sample)?.rules {
            events.sampling.add(&rule, "--sample")?;
        }
        events.arguments.enabled |= arguments;
        events.working_directory |= working_directory;
        Ok(())
    }
}

/// A form of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people: aligned columns
    #[default]
    Text,
    /// One JSON object, with the names of OpenTelemetry
    Json,
    /// Pairs `name=value`
    Logfmt,
}

pub(super) fn execute(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let Arguments { config, output, color, log_level, .. } = arguments;
    let mut config = config.load(&Flags { log_level: Some(log_level.clone()), ..Flags::default() })?;
    arguments.narrow(&mut config.events).map_err(|error| Failure::Usage(error.into()))?;
    log::start(config.log);
    require(&config)?;
    let form = match output {
        Form::Text => render::Form::Text { is_colored: color::wanted(*color) },
        Form::Json => render::Form::Json,
        Form::Logfmt => render::Form::Logfmt,
    };
    let unseen = app::watch(&config, printer(form)).map_err(|error| Failure::Failed(error.into()))?;
    if unseen != Unseen::default() {
        eprintln!("doubleslit: {unseen}");
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints events that came together with one write.
fn printer(form: render::Form) -> impl FnMut(&[Event]) -> io::Result<()> {
    let mut lines = String::new();
    move |events| {
        lines.clear();
        for event in events {
            form.write(event, &mut lines);
        }
        let mut output = io::stdout().lock();
        output.write_all(lines.as_bytes())?;
        output.flush()
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    /// What a command line asks for, on top of the defaults.
    fn events(words: &[&str]) -> Result<Events, String> {
        let Command::Watch(arguments) = Cli::try_parse_from(words).map_err(|error| error.to_string())?.command else {
            panic!("another command: {words:?}");
        };
        let mut events = crate::config::load(None, [], &Flags::default()).expect("the defaults").events;
        arguments.narrow(&mut events).map(|()| events).map_err(|error| error.to_string())
    }

    #[test]
    fn the_documented_flags_make_sense() {
        let lines =
            include_str!("../../../docs/filters.md").lines().filter(|line| line.starts_with("doubleslit watch"));
        let mut count = 0;
        for line in lines {
            // Outside quotes there are words, inside one.
            let words = line.split('\'').enumerate().flat_map(|(number, part)| {
                if number % 2 == 1 { vec![part] } else { part.split_whitespace().collect() }
            });
            assert!(events(&words.collect::<Vec<_>>()).is_ok(), "{line}");
            count += 1;
        }
        assert_eq!(count, 4);
    }

    #[test]
    fn containers_are_named_or_have_ids() {
        let flags =
            ["doubleslit", "watch", "--container", "web-*", "--container", "0123456789ab", "--container", "!db"];
        let list = |rules: &[&str]| {
            let rules = rules.iter().map(|rule| WrittenRule::parse(rule, "--container").expect("a rule")).collect();
            List { name: "--container", rules }
        };
        let expected = list(&["container=web-*,container=!db", "container_id=0123456789ab*"]);
        let expected = filter::Filter::default().and(expected, List::default()).expect("valid");
        assert_eq!(events(&flags).map(|events| events.filter), Ok(expected));
    }

    #[test]
    fn flags_are_refused() {
        let refused = |flag, value| events(&["doubleslit", "watch", flag, value]).expect_err("refused");
        assert!(refused("--event", "exek").contains("expected one of `exec`"));
        assert!(
            refused("--select", "x=1").starts_with("no field `x` in rule `x=1` of `--select`: expected a name such as")
        );
        assert!(refused("--sample", "exec").starts_with("invalid rule `exec` in `--sample`"));
    }
}
