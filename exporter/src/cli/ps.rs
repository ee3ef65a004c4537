//! `doubleslit ps`.

use std::{
    collections::BTreeMap,
    os::fd::AsFd as _,
    process::ExitCode,
    time::{Duration, SystemTime},
};

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;

use super::{
    ConfigArguments, Failure,
    output::{self, Output},
};
use crate::{
    config::{Config, Flags},
    identity::{
        Runtime,
        failures::Reason,
        present::{self, Origin, Present},
        resolve::Resolver,
        short_id,
    },
    machine::Machine,
};

/// The flags of `ps`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,

    /// Form of the list
    #[arg(short, long, value_enum, value_name = "FORM", default_value_t)]
    output: Output,

    /// Print ids as a whole; JSON always does
    #[arg(long)]
    no_trunc: bool,

    /// Print who told each field; JSON always does
    #[arg(long)]
    sources: bool,
}

pub(super) fn execute(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let Arguments { config, output, no_trunc, sources } = arguments;
    let config = config.load(&Flags::default())?;
    let found = find(&config).map_err(Failure::Failed)?;
    match output {
        Output::Text => {
            let form = Form { whole_ids: *no_trunc, sources: *sources };
            output::print(&text(&found, form, SystemTime::now()))
        }
        Output::Json => output::print(&output::json(&found.iter().map(Row::of).collect::<Vec<_>>())?),
    }
}

fn find(config: &Config) -> anyhow::Result<Vec<Present>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.context("cannot start the runtime")?;
    let Machine { hierarchy, resolver, bell } = Machine::find(&config.identity, runtime.handle())?;
    let found = present::list(&resolver, &hierarchy, bell.as_fd(), present::PATIENCE)?;
    for note in notes(&resolver) {
        eprintln!("doubleslit: {note}");
    }
    Ok(found)
}

/// Why names may be missing, and what to do.
fn notes(resolver: &Resolver) -> Vec<String> {
    let silent = resolver.up().into_iter().filter(|(_, is_up)| !is_up);
    let mut notes: Vec<_> = silent
        .map(|(source, _)| {
            let name = source.name();
            format!("a socket of the source `{name}` does not answer; see that those of `identity.sockets` are there")
        })
        .collect();
    if resolver.failures().iter().any(|(_, reason, count)| reason == Reason::Unreadable && count > 0) {
        notes.push("files of runtimes cannot be read; run it as root".to_owned());
    }
    notes
}

/// How the list looks.
#[derive(Clone, Copy, Debug)]
struct Form {
    whole_ids: bool,
    sources: bool,
}

/// A line for each container.
fn text(containers: &[Present], form: Form, now: SystemTime) -> String {
    const HEAD: [&str; 9] =
        ["CONTAINER ID", "IMAGE", "RUNTIME", "STARTED", "PROCESSES", "NAMESPACE", "POD", "NAME", "CGROUP"];
    let line = |container: &Present| {
        let Present { identity, cgroup, started, processes, told: _ } = container;
        let id = &identity.container_id;
        let short = if form.whole_ids { id } else { short_id(id) };
        [
            short.to_owned(),
            identity.image.clone(),
            identity.runtime.map_or("", Runtime::name).to_owned(),
            started.map_or(String::new(), |started| age(started, now)),
            processes.to_string(),
            identity.namespace.clone(),
            identity.pod.clone(),
            identity.container.clone(),
            if short.len() < id.len() { cgroup.replace(id, &format!("{short}…")) } else { cgroup.clone() },
        ]
    };
    if form.sources {
        let head: [&str; 10] = std::array::from_fn(|column| HEAD.get(column).copied().unwrap_or("SOURCES"));
        let rows: Vec<[String; 10]> = containers
            .iter()
            .map(|container| {
                let mut cells = line(container).into_iter();
                std::array::from_fn(|_| cells.next().unwrap_or_else(|| sources(&container.told)))
            })
            .collect();
        output::table(head, &rows)
    } else {
        output::table(HEAD, &containers.iter().map(line).collect::<Vec<_>>())
    }
}

/// Fields by who told them: `docker=container,image path=container_id`.
fn sources(told: &BTreeMap<&'static str, Origin>) -> String {
    let mut by: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (field, origin) in told {
        by.entry(origin.name()).or_default().push(field);
    }
    by.into_iter().map(|(origin, fields)| format!("{origin}={}", fields.join(","))).collect::<Vec<_>>().join(" ")
}

/// How long ago it was, in the largest unit that fits.
fn age(then: SystemTime, now: SystemTime) -> String {
    let seconds = now.duration_since(then).unwrap_or(Duration::ZERO).as_secs();
    let units = [("week", 604_800), ("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)];
    // Two of a unit at least: nobody wants to know only that it was a day ago.
    match units.into_iter().find(|(_, length)| seconds >= 2 * length) {
        Some((unit, length)) => format!("{} {unit}s ago", seconds / length),
        None if seconds == 1 => "1 second ago".to_owned(),
        None => "just now".to_owned(),
    }
}

/// A container as programs get it; the names are those of the metrics' labels. What is not known is null.
#[derive(Debug, Serialize)]
struct Row<'a> {
    container_id: &'a str,
    container: Option<&'a str>,
    runtime: Option<&'a str>,
    image: Option<&'a str>,
    image_id: Option<&'a str>,
    pod: Option<&'a str>,
    pod_uid: Option<&'a str>,
    namespace: Option<&'a str>,
    cgroup: &'a str,
    /// RFC 3339.
    started: Option<String>,
    processes: usize,
    sources: BTreeMap<&'static str, &'static str>,
}

impl<'a> Row<'a> {
    fn of(container: &'a Present) -> Self {
        let Present { identity, cgroup, started, processes, told } = container;
        let known = |text: &'a str| Some(text).filter(|text| !text.is_empty());
        Self {
            container_id: &identity.container_id,
            container: known(&identity.container),
            runtime: identity.runtime.map(Runtime::name),
            image: known(&identity.image),
            image_id: known(&identity.image_id),
            pod: known(&identity.pod),
            pod_uid: known(&identity.pod_uid),
            namespace: known(&identity.namespace),
            cgroup,
            started: started.and_then(rfc3339),
            processes: *processes,
            sources: told.iter().map(|(field, origin)| (*field, origin.name())).collect(),
        }
    }
}

/// A time of day, which comes from files that anybody may have damaged; nothing for one that the format cannot express.
fn rfc3339(time: SystemTime) -> Option<String> {
    const YEAR_10000: u64 = 253_402_300_800;
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    (since.as_secs() < YEAR_10000).then(|| humantime::format_rfc3339_millis(time).to_string())
}

#[cfg(test)]
mod tests;
