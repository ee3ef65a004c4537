//! `doubleslit watch`.

use std::{
    io::{self, Write as _},
    mem,
    process::ExitCode,
};

use anyhow::anyhow;
use clap::{Args, ColorChoice, ValueEnum};
use doubleslit_common::kind::Kind;

use super::{ConfigArguments, Failure, color, is_id, log, require};
use crate::{
    app::{self, Unseen},
    config::{self, Config, Flags},
    events::{event::Event, render},
    filter::{self, List, WrittenRule},
    tracepoints::name::Selector,
};

const AFTER_HELP: &str = "\
Events go to standard output, one line each, until SIGINT or SIGTERM, or until nobody reads them any more. Everything else \
goes to standard error. No configuration is needed, and no exporter need run.

Examples:
  doubleslit watch                           Everything but system calls, for people
  doubleslit watch --event exec --args       Programs that are executed, with their arguments
  doubleslit watch --select signal=SIGKILL   Who is killed, and by whom
  doubleslit watch --tracepoint 'block:*'    Hits of these tracepoints, with all of their fields
  doubleslit watch --syscall openat,connect  These system calls, with their arguments and results
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

    /// Tracepoint whose hits are printed with all of its fields, such as `sched:sched_process_fork`, or a pattern such as
    /// `block:*`; can be given more than once, and is all that is printed unless --event is given too
    #[arg(long = "tracepoint", value_name = "NAME", value_parser = Selector::parse)]
    tracepoints: Vec<Selector>,

    /// Print the bytes of tracepoints' records too
    #[arg(long)]
    raw: bool,
    /// System calls by name, by a pattern such as `read*`, or `all` of them, separated by commas; without --event nothing else
    #[arg(long = "syscall", value_name = "CALL", value_delimiter = ',')]
    syscalls: Vec<String>,

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
    fn narrow(&self, config: &mut Config) -> anyhow::Result<()> {
        let Self {
            events: kinds,
            tracepoints,
            raw,
            syscalls,
            select,
            drop,
            containers,
            sample,
            arguments,
            working_directory,
            ..
        } = self;
        let kinds: Vec<_> = kinds.iter().flat_map(|kinds| &kinds.0).copied().collect();
        let calls = (!syscalls.is_empty()).then(|| config::calls("--syscall", syscalls)).transpose()?;
        config.choose(&kinds, tracepoints, calls);
        let Config { events, tracepoints: wanted, .. } = config;
        wanted.iter_mut().for_each(|wanted| wanted.raw |= raw);
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
    arguments.narrow(&mut config).map_err(Failure::Usage)?;
    if config.lacks_tracepoints() {
        let error = anyhow!("no tracepoint is named: expected one such as `--tracepoint sched:sched_process_fork`");
        return Err(Failure::Usage(error));
    }
    drop(log::start(config.log));
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
    use crate::{
        cli::{Cli, Command},
        probes::syscall::Calls,
    };

    /// What a command line asks for, on top of the defaults.
    fn asked(words: &[&str]) -> Result<Config, String> {
        let Command::Watch(arguments) = Cli::try_parse_from(words).map_err(|error| error.to_string())?.command else {
            panic!("another command: {words:?}");
        };
        let mut config = crate::config::load(None, [], &Flags::default()).expect("the defaults");
        arguments.narrow(&mut config).map(|()| config).map_err(|error| error.to_string())
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
            assert!(asked(&words.collect::<Vec<_>>()).is_ok(), "{line}");
            count += 1;
        }
        assert_eq!(count, 8);
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
        assert_eq!(asked(&flags).map(|config| config.events.filter), Ok(expected));
    }

    #[test]
    fn tracepoints_are_all_unless_there_are_events_too() {
        for (flags, kinds, expected) in [
            (&["--tracepoint", "sched:*"][..], &[Kind::Tracepoint][..], &[("sched:*", false)][..]),
            (
                &["--tracepoint", "a:b", "--event", "exec", "--tracepoint", "c", "--raw"],
                &[Kind::Exec, Kind::Tracepoint],
                &[("a:b", true), ("c", true)],
            ),
        ] {
            let config = asked(&[&["doubleslit", "watch"], flags].concat()).expect("valid");
            assert_eq!(config.events.kinds, kinds);
            assert!(config.tracepoints.iter().all(|wanted| wanted.events && wanted.by.is_empty()));
            let found: Vec<_> = config.tracepoints.iter().map(|wanted| (wanted.selector.text(), wanted.raw)).collect();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn system_calls_come_alone_unless_others_are_asked_for() {
        let of = |flags: &[&str]| {
            let events = asked(&[&["doubleslit", "watch"], flags].concat()).expect("valid").events;
            (events.kinds, events.calls)
        };
        let (mut one, all) = (Calls::default(), Calls::all());
        assert!(one.add(|name| name == "openat"));
        assert_eq!(of(&["--syscall", "openat"]), (vec![Kind::Syscall], one.clone()));
        assert_eq!(of(&["--event", "exec", "--syscall", "openat"]), (vec![Kind::Exec, Kind::Syscall], one));
        assert_eq!(of(&["--syscall", "all"]), (vec![Kind::Syscall], all.clone()));
        assert_eq!(of(&["--event", "syscall"]), (vec![Kind::Syscall], all));
        let (kinds, none) = of(&[]);
        assert_eq!((kinds.contains(&Kind::Syscall), none), (false, Calls::default()));
    }

    #[test]
    fn flags_are_refused() {
        let refused = |flag, value| asked(&["doubleslit", "watch", flag, value]).expect_err("refused");
        assert!(refused("--event", "exek").contains("expected one of `exec`"));
        assert!(
            refused("--select", "x=1").starts_with("no field `x` in rule `x=1` of `--select`: expected a name such as")
        );
        assert!(refused("--tracepoint", "a b").contains("`a b` names no tracepoint"));
        assert!(refused("--syscall", "opennat").starts_with("invalid value `opennat` for `--syscall`: expected"));
        assert!(refused("--sample", "exec").starts_with("invalid rule `exec` in `--sample`"));
    }
}
