//! `doubleslit top`.

use std::{process::ExitCode, time::Duration};

use clap::{Args, ColorChoice, ValueEnum};
use serde::Serialize;

use super::{
    ConfigArguments, Failure, color, is_id, log,
    output::{self, Output},
    require,
};
use crate::{
    app::{self, Measured},
    config::Flags,
    identity::{ignore::Pattern, short_id},
    top::{
        Options, View,
        board::Row,
        order::{Column, Order, Selection},
    },
};

const INTERVAL_MIN: Duration = Duration::from_millis(10);
const INTERVAL_MAX: Duration = Duration::from_secs(24 * 3600);

const AFTER_HELP: &str = "\
It counts by itself, and what it has loaded into the kernel ends with it: no exporter need run. While system calls are counted, \
every system call of the machine takes the kernel's slower way.

Keys: q quit, left and right sort by another column, r reverse, / filter, Esc no filter, p pause, s events or system calls, \
+ and - twice or half the interval.

Examples:
  doubleslit top                                       Events of all containers
  doubleslit top --syscalls --container 'web-*'        System calls by error
  doubleslit top --once --interval 10s -o json | jq .  What happens in ten seconds";

/// The flags of `top`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,

    /// System calls by error, instead of events
    #[arg(long)]
    syscalls: bool,

    /// How long rates are measured
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = interval)]
    interval: Duration,

    /// What the rows are sorted by
    #[arg(long, value_enum, value_name = "COLUMN", default_value_t)]
    sort: Sort,

    /// Only containers whose name or id matches this pattern, in which `*` stands for any text; can be given more than once
    #[arg(long = "container", value_name = "PATTERN", value_parser = container)]
    containers: Vec<Container>,

    /// How many rows at most
    #[arg(short = 'n', long, value_name = "NUMBER")]
    rows: Option<usize>,

    /// Print what was counted in one interval, then exit; SIGINT and SIGTERM end the interval
    #[arg(long)]
    once: bool,

    /// Form of what `--once` prints
    #[arg(short, long, value_enum, value_name = "FORM", default_value_t, requires = "once")]
    output: Output,

    /// When to colour the table; without it, unless NO_COLOR is set
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = ColorChoice::Auto)]
    color: ColorChoice,

    /// Least important log lines that appear: error, warn, info, debug or trace
    #[arg(long = "log.level", value_name = "LEVEL", default_value = "warn")]
    log_level: String,
}

/// What rows are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Sort {
    /// The container's name
    Container,
    /// The event, or the system call and its error
    Event,
    /// How many a second
    #[default]
    Rate,
    /// How many since the beginning
    Total,
}

/// Which containers a pattern is about.
#[derive(Clone, Debug)]
enum Container {
    Named(Pattern),
    WithId(Pattern),
}

fn interval(text: &str) -> Result<Duration, String> {
    let interval = humantime::parse_duration(text).ok();
    let interval = interval.filter(|interval| (INTERVAL_MIN..=INTERVAL_MAX).contains(interval));
    interval.ok_or_else(|| "expected a duration from `10ms` to `1day`".to_owned())
}

fn container(text: &str) -> Result<Container, String> {
    let pattern = |text: &str| Pattern::new(text).ok_or("expected a text in which `*` stands for any text");
    if is_id(text) { pattern(&format!("{text}*")).map(Container::WithId) } else { pattern(text).map(Container::Named) }
        .map_err(str::to_owned)
}

impl Arguments {
    fn options(&self) -> Options {
        let mut selection = Selection::default();
        for container in &self.containers {
            match container {
                Container::Named(pattern) => selection.names.push(pattern.clone()),
                Container::WithId(pattern) => selection.ids.push(pattern.clone()),
            }
        }
        let column = match self.sort {
            Sort::Container => Column::Container,
            Sort::Event => Column::What,
            Sort::Rate => Column::Rate,
            Sort::Total => Column::Total,
        };
        Options {
            view: if self.syscalls { View::Calls } else { View::Events },
            interval: self.interval,
            order: Order { column, is_reversed: false },
            selection,
            rows: self.rows,
            is_colored: color::wanted(self.color),
        }
    }
}

pub(super) fn execute(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let Arguments { config, once, output, log_level, .. } = arguments;
    let config = config.load(&Flags { log_level: Some(log_level.clone()), ..Flags::default() })?;
    drop(log::start(config.log));
    require(&config)?;
    let options = arguments.options();
    let failed = |error: app::AppError| Failure::Failed(error.into());
    if !once {
        app::top(&config, options).map_err(failed)?;
        return Ok(ExitCode::SUCCESS);
    }
    let Measured { seconds, rows } = app::measure(&config, options.view, options.interval).map_err(failed)?;
    let rows = arrange(rows, &options);
    match output {
        Output::Text => output::print(&text(&rows, options.view)),
        Output::Json => output::print(&output::json(&Once { seconds, rows: rows.iter().map(Line::of).collect() })?),
    }
}

/// The rows that are wanted, in their order.
fn arrange(mut rows: Vec<Row>, options: &Options) -> Vec<Row> {
    rows.retain(|row| options.selection.has(row));
    options.order.sort(&mut rows);
    rows.truncate(options.rows.unwrap_or(usize::MAX));
    rows
}

/// A line for each row.
fn text(rows: &[Row], view: View) -> String {
    let first = |row: &Row| [short_id(&row.owner.container_id).to_owned(), row.owner.name()];
    let last = |row: &Row| [row.count.to_string(), format!("{:.1}", row.rate())];
    match view {
        View::Events => {
            let cells = |row: &Row| {
                let ([id, name], [count, rate]) = (first(row), last(row));
                [id, name, row.what.name.to_owned(), count, rate]
            };
            output::table(
                ["CONTAINER ID", "CONTAINER", "EVENT", "COUNT", "RATE/S"],
                &rows.iter().map(cells).collect::<Vec<_>>(),
            )
        }
        View::Calls => {
            let cells = |row: &Row| {
                let ([id, name], [count, rate]) = (first(row), last(row));
                [id, name, row.what.name.to_owned(), row.what.errno.to_owned(), count, rate]
            };
            output::table(
                ["CONTAINER ID", "CONTAINER", "SYSCALL", "ERRNO", "COUNT", "RATE/S"],
                &rows.iter().map(cells).collect::<Vec<_>>(),
            )
        }
    }
}

/// An interval as programs get it.
#[derive(Debug, Serialize)]
struct Once<'a> {
    /// How long it was.
    seconds: f64,
    rows: Vec<Line<'a>>,
}

/// A row as programs get it; the names are those of the metrics' labels. What is not known is null.
#[derive(Debug, Serialize)]
struct Line<'a> {
    /// `host`, `pod`, `container`, or `other` for what could not be attributed.
    scope: &'static str,
    container_id: Option<&'a str>,
    container: Option<&'a str>,
    pod: Option<&'a str>,
    namespace: Option<&'a str>,
    #[serde(flatten)]
    what: What,
    count: u64,
    /// How many a second.
    rate: f64,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum What {
    Event { event: &'static str },
    Call { syscall: &'static str, errno: &'static str },
}

impl<'a> Line<'a> {
    fn of(row: &'a Row) -> Self {
        let known = |text: &'a str| Some(text).filter(|text| !text.is_empty());
        let owner = &row.owner;
        let name = row.what.name;
        Self {
            scope: owner.scope.name(),
            container_id: known(&owner.container_id),
            container: known(&owner.container),
            pod: known(&owner.pod),
            namespace: known(&owner.namespace),
            what: match row.what.errno {
                "" => What::Event { event: name },
                errno => What::Call { syscall: name, errno },
            },
            count: row.count,
            rate: row.rate(),
        }
    }
}

#[cfg(test)]
mod tests;
