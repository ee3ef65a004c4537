//! Follows containers from the thread that takes in and takes out cgroups, and never makes it wait.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use doubleslit_common::kind::Kind;
use tokio::sync::mpsc::{self, Sender};

use super::{Change, Changes, Fate, Init, Numbers, Reason, Stop, What, init};
use crate::{
    identity::{
        CgroupId, Scope,
        directory::Cgroup,
        facts::End,
        resolve::{Resolved, Resolver},
    },
    others::Look,
};

/// How long a start waits for the container's program to take the place of the runtime's.
const START_PATIENCE: Duration = Duration::from_secs(1);

/// How long a stop waits for a runtime to tell how it came.
const STOP_PATIENCE: Duration = Duration::from_secs(2);

/// Changes that may wait for being taken.
const ROOM: usize = 4096;

/// Where changes go in, and where they come out: those of the kinds that somebody listens to, one bit a listener. Starts
/// are those after `begun`. First processes are looked at by `look`.
#[must_use]
pub fn channel(listeners: BTreeMap<Kind, u32>, begun: SystemTime, look: Box<dyn Look>) -> (Lives, Changes) {
    let (sender, changes) = mpsc::channel(ROOM);
    let numbers = Arc::default();
    (Lives { listeners, begun, look, sender, numbers, starting: BTreeMap::new(), stopping: Vec::new() }, changes)
}

/// The containers that are starting or stopping.
#[derive(Debug)]
pub struct Lives {
    listeners: BTreeMap<Kind, u32>,
    begun: SystemTime,
    look: Box<dyn Look>,
    sender: Sender<Change>,
    numbers: Arc<Numbers>,
    starting: BTreeMap<CgroupId, Starting>,
    stopping: Vec<Stopping>,
}

#[derive(Debug)]
struct Starting {
    cgroup: Cgroup,
    init: Option<Init>,
    until: Instant,
}

#[derive(Debug)]
struct Stopping {
    cgroup: Cgroup,
    time: SystemTime,
    since: Instant,
}

impl Lives {
    /// What became of them so far.
    #[must_use]
    pub fn numbers(&self) -> Arc<Numbers> {
        Arc::clone(&self.numbers)
    }

    /// Whether something is waited for, so that [`Self::look`] is worth while soon.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        !self.starting.is_empty() || !self.stopping.is_empty()
    }

    /// A cgroup is there, and whose it is will not change. To be called once for each.
    pub fn began(&mut self, cgroup: &Cgroup, now: Instant) {
        if is_container(cgroup) && cgroup.started.is_some_and(|started| started >= self.begun) {
            let starting = Starting { cgroup: cgroup.clone(), init: None, until: now + START_PATIENCE };
            self.starting.insert(cgroup.id, starting);
        }
    }

    /// A cgroup is gone. To be called once for each.
    pub fn ended(&mut self, cgroup: &Cgroup, time: SystemTime, now: Instant) {
        if let Some(starting) = self.starting.remove(&cgroup.id) {
            self.tell_start(starting);
        }
        // It may have been gone when nobody listened yet.
        if is_container(cgroup) && time >= self.begun {
            self.stopping.push(Stopping { cgroup: cgroup.clone(), time, since: now });
        }
    }

    /// Looks at those that are starting or stopping, and tells of those of which no more is expected. `has_oom_kill` says
    /// whether the OOM killer chose a process of a cgroup.
    pub fn look(&mut self, resolver: &Resolver, has_oom_kill: impl Fn(CgroupId) -> bool, now: Instant) {
        let Self { starting, look, .. } = self;
        let ready =
            starting.extract_if(.., |_, starting| starting.look(resolver, look.as_mut()) || starting.until <= now);
        for starting in ready.map(|(_, starting)| starting).collect::<Vec<_>>() {
            self.tell_start(starting);
        }
        for stopping in std::mem::take(&mut self.stopping) {
            match stopping.look(resolver) {
                Answer::Awaited if now < stopping.since + STOP_PATIENCE => self.stopping.push(stopping),
                Answer::Awaited => self.tell_stop(&stopping, None, &has_oom_kill),
                Answer::Final(end) => self.tell_stop(&stopping, end, &has_oom_kill),
            }
        }
    }

    /// Tells of all that are starting or stopping with what is known.
    pub fn finish(&mut self, resolver: &Resolver, has_oom_kill: impl Fn(CgroupId) -> bool) {
        self.look(resolver, has_oom_kill, Instant::now() + START_PATIENCE + STOP_PATIENCE);
    }

    fn tell_start(&self, Starting { cgroup, init, .. }: Starting) {
        let time = cgroup.started.unwrap_or(self.begun);
        self.tell(Kind::ContainerStart, &cgroup, time, What::Started(init));
    }

    fn tell_stop(&self, stopping: &Stopping, end: Option<End>, has_oom_kill: impl Fn(CgroupId) -> bool) {
        let Stopping { cgroup, time, .. } = stopping;
        let lifetime = cgroup.started.and_then(|started| time.duration_since(started).ok());
        let reason = Reason::of(end, has_oom_kill(cgroup.id));
        let stop = Stop { exit_code: end.map(|end| end.exit_code), reason, lifetime };
        self.tell(Kind::ContainerStop, cgroup, *time, What::Stopped(stop));
    }

    fn tell(&self, kind: Kind, cgroup: &Cgroup, time: SystemTime, what: What) {
        let Some(&listeners) = self.listeners.get(&kind) else { return };
        let Cgroup { id, path, identity, .. } = cgroup;
        let (path, identity) = (Arc::clone(path), Arc::clone(identity));
        self.numbers.add(kind, Fate::Generated);
        if self.sender.try_send(Change { time, cgroup: *id, path, identity, listeners, what }).is_err() {
            self.numbers.add(kind, Fate::Lost);
        }
    }
}

fn is_container(cgroup: &Cgroup) -> bool {
    cgroup.own && cgroup.identity.scope == Scope::Container
}

impl Starting {
    /// Says whether the container's own program is there.
    fn look(&mut self, resolver: &Resolver, look: &mut dyn Look) -> bool {
        let first = resolver.first_pid(&self.cgroup.path);
        let Some(seen) = first.and_then(|pid| init::look(resolver.proc(), pid, look)) else { return false };
        self.init = Some(seen.init);
        seen.is_final
    }
}

/// What the runtimes say about an end.
enum Answer {
    /// One of them knows the container, and may soon tell.
    Awaited,
    /// That is all.
    Final(Option<End>),
}

impl Stopping {
    fn look(&self, resolver: &Resolver) -> Answer {
        let Resolved { merged, open, .. } = resolver.resolve(&self.cgroup.path, self.since);
        match merged.end {
            None if open || !merged.told.is_empty() => Answer::Awaited,
            end => Answer::Final(end),
        }
    }
}
