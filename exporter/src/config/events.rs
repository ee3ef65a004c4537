//! Which single events are sent.

use config::{Value, ValueKind};
use doubleslit_common::{kind::Kind, probes::exec::ARGUMENTS_BYTES};
use regex::Regex;

use super::{
    error::{Error, one_line, quoted},
    syscalls::calls,
    understood::switch,
    written,
};
use crate::{
    events::redact::Redaction,
    filter::{Filter, FilterError, List, PROFILES, Profile, Sampling, WrittenRule},
    probes::syscall::Calls,
};

const RING_MIN: u32 = 64 << 10;
const RING_MAX: u32 = 1 << 30;

/// Which single events are sent, to everybody who listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Events {
    /// The kinds.
    pub kinds: Vec<Kind>,
    /// Which of them are wanted.
    pub filter: Filter,
    /// How many of these.
    pub sampling: Sampling,
    /// Bytes of the ring: a power of two.
    pub ring_bytes: u32,
    /// The arguments of executions.
    pub arguments: Arguments,
    /// Whether executions tell their working directory.
    pub working_directory: bool,
    /// The system calls that are sent, if their kind is.
    pub calls: Calls,
}

/// The arguments of executions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arguments {
    /// Whether they are sent.
    pub enabled: bool,
    /// How many bytes at most, if they are.
    pub bytes: u32,
    /// What is hidden of them.
    pub redact: Redaction,
}

impl TryFrom<written::Events> for Events {
    type Error = Error;

    fn try_from(written: written::Events) -> Result<Self, Error> {
        let written::Events { profile, select, drop, sample, ring_bytes, arguments, working_directory, syscalls } =
            written;
        let written::Arguments { enabled, bytes, redact } = arguments;
        let profile = Profile::named(&profile).ok_or_else(|| {
            let names = quoted(PROFILES.iter().map(|profile| profile.name));
            Error::value("events.profile", &profile, format!("one of {names}"))
        })?;
        let filter = profile.filter()?.and(list("events.select", select)?, list("events.drop", drop)?)?;
        let mut sampling = Sampling::default();
        for written in sample {
            sampling.add(&rule(written, "events.sample")?, "events.sample")?;
        }
        let mut kinds = profile.kinds();
        // A profile does not ask for system calls, which are too many.
        if !syscalls.is_empty() {
            kinds.push(Kind::Syscall);
        }
        Ok(Self {
            kinds,
            filter,
            sampling,
            ring_bytes: ring(&ring_bytes)?,
            arguments: Arguments {
                enabled: switch("events.arguments.enabled", &enabled)?,
                bytes: length(&bytes)?,
                redact: Redaction(redact.iter().map(|text| expression(text)).collect::<Result<_, _>>()?),
            },
            working_directory: switch("events.working_directory", &working_directory)?,
            calls: calls("events.syscalls", &syscalls)?,
        })
    }
}

pub(super) fn list(name: &str, written: Vec<Value>) -> Result<List<'_>, FilterError> {
    Ok(List { name, rules: written.into_iter().map(|written| rule(written, name)).collect::<Result<_, _>>()? })
}

/// A rule of a list of this name: fields, each with a value or a list of values, or one text as on the command line.
fn rule(written: Value, list: &str) -> Result<WrittenRule, FilterError> {
    let texts = |value: Value| match value.kind {
        ValueKind::Array(items) => items.iter().map(ToString::to_string).collect(),
        scalar => vec![scalar.to_string()],
    };
    match written.kind {
        ValueKind::Table(fields) => {
            Ok(WrittenRule(fields.into_iter().map(|(field, value)| (field, texts(value))).collect()))
        }
        text => WrittenRule::parse(&text.to_string(), list),
    }
}

fn ring(text: &str) -> Result<u32, Error> {
    let fits = |bytes: &u32| bytes.is_power_of_two() && (RING_MIN..=RING_MAX).contains(bytes);
    text.parse().ok().filter(fits).ok_or_else(|| {
        Error::value("events.ring_bytes", text, format!("a power of two from `{RING_MIN}` to `{RING_MAX}`"))
    })
}

fn length(text: &str) -> Result<u32, Error> {
    let fits = |bytes: &u32| (1..=ARGUMENTS_BYTES as u32).contains(bytes);
    text.parse().ok().filter(fits).ok_or_else(|| {
        Error::value("events.arguments.bytes", text, format!("a number from `1` to `{ARGUMENTS_BYTES}`"))
    })
}

fn expression(text: &str) -> Result<Regex, Error> {
    Regex::new(text).map_err(|error| {
        let reason = error.to_string();
        let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ");
        Error::value("events.arguments.redact", text, format!("regular expressions: {}", one_line(reason)))
    })
}
