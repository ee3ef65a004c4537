//! What a trace asks for, understood.

use std::time::Duration;

use doubleslit_common::{kind::Kind, traced::WHOLE};

use super::{
    error::SpecError,
    selector::{FieldSelector, LabelSelector},
    spec::Spec,
    wanted::{self, Catalogue, Wanted},
};
use crate::{
    events::{event::Event, syscalls::needs_beginning},
    filter::{self, Filter, List},
    identity::{Identity, Scope, ignore::Pattern},
    probes::syscall::Calls,
    tracepoints::name::Selector,
};

/// How long a name may be.
const NAME_BYTES: usize = 253;

/// Checks the name of a trace.
pub(super) fn name(name: &str) -> Result<(), SpecError> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if (1..=NAME_BYTES).contains(&name.len()) && name.chars().all(is_plain) {
        return Ok(());
    }
    let expected = format!("letters, digits and `-_.`, at most {NAME_BYTES} of them");
    Err(SpecError::value("name", name, expected))
}

/// What a trace asks for, understood.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    owner: Owner,
    pid: Option<u32>,
    /// What the kernel is asked for, in order.
    pub(super) wanted: Vec<Wanted>,
    /// Whether it has to be noted how calls begin.
    needs_beginnings: bool,
    filter: Filter,
    /// One in how many is handed out.
    pub(super) sample_rate: u32,
    /// How long it runs.
    pub(super) duration: Option<Duration>,
}

/// Whose events are wanted.
#[derive(Clone, Debug)]
struct Owner {
    labels: LabelSelector,
    fields: FieldSelector,
    containers: Vec<Pattern>,
    namespace: String,
    cgroup: String,
}

impl Plan {
    /// Understands what a trace asks for.
    pub(super) fn of(spec: &Spec, catalogue: &dyn Catalogue) -> Result<Self, SpecError> {
        let Spec {
            label_selector,
            field_selector,
            containers,
            namespace,
            cgroup,
            pid,
            events,
            syscalls,
            tracepoints,
            durations,
            select,
            drop,
            sample_rate,
            duration,
        } = spec;
        label_selector.check("labelSelector")?;
        if *sample_rate == 0 {
            return Err(SpecError::value("sampleRate", 0, format!("a number from `1` to `{}`", u32::MAX)));
        }
        if *duration == Some(Duration::ZERO) {
            return Err(SpecError::value("duration", "0s", "a duration such as `30s` or `5m`"));
        }
        if *pid == Some(0) {
            return Err(SpecError::value("pid", 0, "the id of a process"));
        }
        if !(cgroup.is_empty() || cgroup.starts_with('/')) {
            return Err(SpecError::value(
                "cgroup",
                cgroup,
                "a path from the root of the hierarchy, such as `/system.slice`",
            ));
        }
        let owner = Owner {
            labels: label_selector.clone(),
            fields: FieldSelector::parse(field_selector, "fieldSelector")?,
            containers: containers.iter().enumerate().map(pattern).collect::<Result<_, _>>()?,
            namespace: namespace.clone(),
            cgroup: cgroup.trim_end_matches('/').to_owned(),
        };
        for (name, rules) in [("select", select), ("drop", drop)] {
            for (position, rule) in rules.iter().enumerate() {
                let list = List { name, rules: vec![rule.clone()] };
                Filter::default()
                    .and(list, List::default())
                    .map_err(|error| SpecError::rule(name, position, &error))?;
            }
        }
        let list = |name, rules: &[_]| List { name, rules: rules.to_vec() };
        let filter = Filter::default().and(list("select", select), list("drop", drop));
        let filter = filter.map_err(|error| SpecError::rule("select", 0, &error))?;
        if events.is_empty() && syscalls.is_empty() && tracepoints.is_empty() {
            let expected = "at least one kind of event; or `syscalls` or `tracepoints`";
            return Err(SpecError::value("events", "[]", expected));
        }
        let mut wanted = kinds(events)?;
        wanted.extend(calls(syscalls)?);
        wanted.extend(hits(tracepoints, catalogue)?);
        wanted.retain(|wanted| filter.concerns(wanted.kind));
        wanted.sort_unstable();
        wanted.dedup();
        if wanted.is_empty() {
            let reason = "its rules match nothing of what is wanted".to_owned();
            return Err(SpecError { field: "select".to_owned(), reason });
        }
        let mut calls = wanted.iter().filter(|wanted| wanted.kind == Kind::Syscall);
        let needs_beginnings = calls.any(|call| *durations || call.detail == WHOLE || needs_beginning(call.detail));
        let (pid, sample_rate, duration) = (*pid, *sample_rate, *duration);
        Ok(Self { owner, pid, wanted, needs_beginnings, filter, sample_rate, duration })
    }

    /// What is to be attached.
    pub(super) fn programs(&self) -> Vec<Wanted> {
        let beginnings = self.needs_beginnings.then_some(Wanted::BEGINNINGS);
        self.wanted.iter().copied().chain(beginnings).collect()
    }

    /// Whether it matters whose an event is.
    pub(super) fn asks_owner(&self) -> bool {
        self.owner.asks_container() || !self.owner.cgroup.is_empty()
    }

    /// Whether it is about whoever owns the cgroup at a path.
    pub(super) fn is_about(&self, path: &str, identity: &Identity) -> bool {
        let Owner { labels, fields, containers, namespace, cgroup } = &self.owner;
        let is_below =
            || path.strip_prefix(cgroup.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        // A pod's sandbox is the pod's, and no container.
        let is_of_scope = match identity.scope {
            Scope::Container => true,
            Scope::Pod => containers.is_empty(),
            Scope::Host | Scope::Other => !self.owner.asks_container(),
        };
        is_of_scope
            && (cgroup.is_empty() || is_below())
            && (namespace.is_empty() || *namespace == identity.namespace)
            && (containers.is_empty() || containers.iter().any(|pattern| pattern.matches(&identity.container)))
            && fields.matches(identity)
            && labels.matches(identity)
    }

    /// Whether an event of such an owner is wanted.
    pub(super) fn wants(&self, event: &Event) -> bool {
        self.has(event) && self.pid.is_none_or(|pid| event.pid() == Some(pid)) && self.filter.passes(event)
    }
}

impl Plan {
    /// Whether it is about such events, whoever has them.
    fn has(&self, event: &Event) -> bool {
        let has = |wanted| self.wanted.binary_search(&wanted).is_ok();
        has(Wanted::whole(event.kind())) || Wanted::of(event).is_some_and(has)
    }
}

impl Owner {
    /// Whether only containers and pods can be meant.
    fn asks_container(&self) -> bool {
        let Self { labels, fields, containers, namespace, cgroup: _ } = self;
        !(labels.is_empty() && fields.is_empty() && containers.is_empty() && namespace.is_empty())
    }
}

fn pattern((position, text): (usize, &String)) -> Result<Pattern, SpecError> {
    let expected = "a name in which `*` stands for any text, and no other of `?[]{}\\`";
    Pattern::new(text).ok_or_else(|| SpecError::value(format!("containers[{position}]"), text, expected))
}

/// The kinds that are named.
fn kinds(events: &[String]) -> Result<Vec<Wanted>, SpecError> {
    let mut kinds = Vec::new();
    for (position, name) in events.iter().enumerate() {
        let refused =
            |reason| SpecError { field: format!("events[{position}]"), reason: format!("`{name}`: {reason}") };
        let named = filter::kinds(name).map_err(refused)?;
        if !named.iter().all(|kind| wanted::kinds().any(|traced| traced == *kind)) {
            let traced: Vec<_> = wanted::kinds().map(Kind::name).collect();
            return Err(refused(format!("expected what can be traced: {}", traced.join(", "))));
        }
        kinds.extend(named);
    }
    Ok(kinds.into_iter().map(Wanted::whole).collect())
}

/// The system calls that are named.
fn calls(named: &[String]) -> Result<Vec<Wanted>, SpecError> {
    let refused = |(position, expected)| SpecError::value(format!("syscalls[{position}]"), &named[position], expected);
    let calls = filter::calls(named).map_err(refused)?;
    if calls == Calls::all() {
        return Ok(vec![Wanted::whole(Kind::Syscall)]);
    }
    Ok(calls.iter().map(|call| Wanted { kind: Kind::Syscall, detail: call }).collect())
}

/// The tracepoints that are named.
fn hits(named: &[String], catalogue: &dyn Catalogue) -> Result<Vec<Wanted>, SpecError> {
    let mut hits = Vec::new();
    for (position, text) in named.iter().enumerate() {
        let selector = Selector::parse(text).map_err(|error| error.to_string());
        let found = selector.and_then(|selector| catalogue.tracepoints(&selector));
        let found = found.map_err(|reason| SpecError { field: format!("tracepoints[{position}]"), reason })?;
        hits.extend(found.into_iter().map(|id| Wanted { kind: Kind::Tracepoint, detail: id }));
    }
    Ok(hits)
}
