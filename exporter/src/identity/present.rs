//! The containers that are there now, found without an exporter that runs.

use std::{
    cmp::Reverse,
    collections::BTreeMap,
    fs,
    path::Path,
    time::{Duration, Instant, SystemTime},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fd::BorrowedFd,
};

use super::{
    Identity,
    facts::Merged,
    failures::Source,
    hierarchy::{Walk, WalkError, walk},
    resolve::{Resolved, Resolver},
};

/// How long a source with a socket is waited for. It has just been started, and has heard of nothing yet.
pub const PATIENCE: Duration = Duration::from_secs(1);

/// How long to sleep at most when nobody rings.
const NAP: Duration = Duration::from_millis(20);

/// A container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Present {
    /// Who it is.
    pub identity: Identity,
    /// The path of its own cgroup, from the root of the hierarchy.
    pub cgroup: String,
    /// When it started, as far as can be told.
    pub started: Option<SystemTime>,
    /// How many processes are in its cgroup and those nested in it.
    pub processes: usize,
    /// Who told each field that is known, by the field's name.
    pub told: BTreeMap<&'static str, Origin>,
}

/// Who told a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The path of the cgroup.
    Path,
    /// The container's earliest process.
    Process,
    /// A source of names.
    Source(Source),
}

impl Origin {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Process => "process",
            Self::Source(source) => source.name(),
        }
    }
}

/// Lists the containers below the hierarchy at `root`, the youngest first, those of which no start is known last.
///
/// A sandbox of a pod is no container. What a container runs in cgroups of its own is the container's. `bell` is what the
/// resolver's sources with a socket ring; they are waited for, at most for `patience`.
///
/// # Errors
///
/// When the root of the hierarchy cannot be listed.
pub fn list(
    resolver: &Resolver,
    root: &Path,
    bell: BorrowedFd<'_>,
    patience: Duration,
) -> Result<Vec<Present>, WalkError> {
    let until = Instant::now() + patience;
    while resolver.up().values().any(|is_up| !is_up) && wait(bell, until) {}
    let since = Instant::now();
    let Walk { mut found, complete: _ } = walk(root)?;
    // Parents before their children, whatever stands beside them.
    found.sort_by(|(_, a), (_, b)| a.split('/').cmp(b.split('/')));
    let mut containers: Vec<(Resolved, Present)> = Vec::new();
    for (_, path) in found {
        match containers.last_mut() {
            Some((_, container)) if is_nested(&path, &container.cgroup) => {
                container.processes += processes(root, &path);
            }
            _ => {
                let resolved = resolver.resolve(&path, since);
                if resolved.own {
                    let processes = processes(root, &path);
                    let container = present(resolver, &resolved, path, processes);
                    containers.push((resolved, container));
                }
            }
        }
    }
    while containers.iter().any(|(resolved, _)| resolved.open) && wait(bell, until) {
        for (resolved, container) in containers.iter_mut().filter(|(resolved, _)| resolved.open) {
            *resolved = resolver.resolve(&container.cgroup, since);
            *container = present(resolver, resolved, std::mem::take(&mut container.cgroup), container.processes);
        }
    }
    for (resolved, _) in &containers {
        resolver.count(&resolved.troubles);
    }
    let mut containers: Vec<_> = containers.into_iter().map(|(_, container)| container).collect();
    containers.sort_by(|a, b| (Reverse(a.started), &a.cgroup).cmp(&(Reverse(b.started), &b.cgroup)));
    Ok(containers)
}

/// Waits until somebody rings, or for a nap. Says whether there is still time.
fn wait(bell: BorrowedFd<'_>, until: Instant) -> bool {
    let left = until.saturating_duration_since(Instant::now());
    // An error is a signal, after which there is no harm in looking again.
    let nap = Timespec { tv_sec: 0, tv_nsec: i64::from(left.min(NAP).subsec_nanos()) };
    if let Ok(1..) = poll(&mut [PollFd::from_borrowed_fd(bell, PollFlags::IN)], Some(&nap)) {
        // Whoever rang has its answer ready; a bell that cannot be read keeps ringing until the time is over.
        let _ = rustix::io::read(bell, &mut [0; 8]);
    }
    !left.is_zero()
}

fn is_nested(path: &str, owner: &str) -> bool {
    path.strip_prefix(owner).is_some_and(|rest| rest.starts_with('/'))
}

fn present(resolver: &Resolver, resolved: &Resolved, cgroup: String, processes: usize) -> Present {
    let Merged { identity, started, end: _, told } = &resolved.merged;
    let mut origins: BTreeMap<_, _> = told.iter().map(|(field, source)| (*field, Origin::Source(*source))).collect();
    // What no source told and is known all the same: from the path, or in place of a name.
    for (field, is_known, instead) in [
        ("runtime", identity.runtime.is_some(), None),
        ("container_id", !identity.container_id.is_empty(), None),
        ("container", !identity.container.is_empty(), Some("container_id")),
        ("pod_uid", !identity.pod_uid.is_empty(), None),
        ("pod", !identity.pod.is_empty(), Some("pod_uid")),
    ] {
        let origin = instead.and_then(|instead| origins.get(instead).copied()).unwrap_or(Origin::Path);
        if is_known {
            origins.entry(field).or_insert(origin);
        }
    }
    let started = started.or_else(|| {
        let first = resolver.first_process(&cgroup, SystemTime::now())?;
        origins.insert("started", Origin::Process);
        Some(first)
    });
    Present { identity: identity.clone(), cgroup, started, processes, told: origins }
}

/// Processes in one cgroup. A cgroup of threads has none of its own; one that is gone has none either.
fn processes(root: &Path, path: &str) -> usize {
    let list = root.join(path.trim_start_matches('/')).join("cgroup.procs");
    fs::read_to_string(list).map_or(0, |text| text.lines().count())
}

#[cfg(test)]
mod tests;
