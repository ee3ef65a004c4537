//! All traces, and whom they are about.

use std::{collections::BTreeMap, time::Instant};

use super::{
    entry::{Entry, KernelFilters, Now},
    error::{CreateError, Unknown},
    filters::{Filters, Switch},
    plan::Plan,
    spec::Spec,
    status::{List, Phase, Trace},
    wanted::{Key, Wanted},
};
use crate::{
    events::{event::Event, hub::Subscription, reader::LATENCY},
    identity::{CgroupId, ignore::Ignore, registry::Known},
};

/// How many traces can be pending or running.
const RUNNING: usize = 256;
/// How many are kept of those that are complete or have failed.
const KEPT: usize = 64;

/// What the kernel is asked to send.
pub trait Kernel: Switch<Key> + std::fmt::Debug + Send {
    /// How many events found no room on their way since a key was switched on.
    fn lost(&self, key: Key) -> u64;
}

/// All traces, and whom they are about.
#[derive(Debug)]
pub(super) struct State {
    traces: BTreeMap<String, Entry>,
    created: u64,
    known: BTreeMap<CgroupId, Known>,
    filters: KernelFilters,
    ignore: Ignore,
}

impl State {
    pub(super) fn new(kernel: Box<dyn Kernel>, ignore: Ignore) -> Self {
        Self { traces: BTreeMap::new(), created: 0, known: BTreeMap::new(), filters: Filters::new(kernel), ignore }
    }

    /// A new trace, which is pending, and its number.
    pub(super) fn create(&mut self, name: &str, spec: Spec, plan: Plan, now: Now) -> Result<(u64, Trace), CreateError> {
        if self.traces.contains_key(name) {
            return Err(CreateError::Duplicate(name.to_owned()));
        }
        if self.traces.values().filter(|entry| !entry.is_over()).count() >= RUNNING {
            return Err(CreateError::TooMany(RUNNING));
        }
        self.created += 1;
        let entry = Entry::new(self.created, name, spec, plan, now);
        let trace = entry.trace(&self.known, &self.filters, now);
        self.traces.insert(name.to_owned(), entry);
        Ok((self.created, trace))
    }

    /// Removes those of some traces that are still what they were, and creates others: all of it or nothing. Returns the numbers of
    /// those that went and of those that came.
    pub(super) fn exchange(
        &mut self,
        gone: &[(String, Spec)],
        new: Vec<(String, Spec, Plan)>,
        now: Now,
    ) -> Result<(Vec<u64>, Vec<u64>), CreateError> {
        let is_gone =
            |name: &String, entry: &Entry| gone.iter().any(|(other, spec)| other == name && *spec == entry.spec);
        let staying = || self.traces.iter().filter(|(name, entry)| !is_gone(name, entry));
        if let Some((name, _, _)) = new.iter().find(|(name, _, _)| staying().any(|(other, _)| other == name)) {
            return Err(CreateError::Duplicate(name.clone()));
        }
        if staying().filter(|(_, entry)| !entry.is_over()).count() + new.len() > RUNNING {
            return Err(CreateError::TooMany(RUNNING));
        }
        let names = self.traces.iter().filter(|(name, entry)| is_gone(name, entry)).map(|(name, _)| name.clone());
        let names = names.collect::<Vec<_>>();
        let ended = names.iter().filter_map(|name| self.delete(name, now).ok()).map(|(id, _)| id).collect();
        let begun = new.into_iter().map(|(name, spec, plan)| Ok(self.create(&name, spec, plan, now)?.0));
        Ok((ended, begun.collect::<Result<_, CreateError>>()?))
    }

    /// Hands out nothing of other containers from now on. Whom traces are about is told by [`Self::changed`].
    pub(super) fn ignore(&mut self, ignore: Ignore) {
        self.ignore = ignore;
    }

    /// The name of a pending trace, and what is to be attached for it; nothing when it was deleted meanwhile.
    pub(super) fn wanted(&self, id: u64) -> Option<(String, Vec<Wanted>)> {
        let (name, entry) = self.traces.iter().find(|(_, entry)| entry.id == id)?;
        Some((name.clone(), entry.plan.programs()))
    }

    /// Has a pending trace run. Says whether it is still there.
    pub(super) fn begin(&mut self, id: u64, now: Now) -> bool {
        let Self { traces, known, filters, ignore, .. } = self;
        let Some(entry) = traces.values_mut().find(|entry| entry.id == id) else { return false };
        entry.begin(now, filters);
        for (cgroup, known) in known {
            entry.follow(*cgroup, Some(&*known).filter(|known| !ignore.matches(&known.identity)), filters);
        }
        true
    }

    /// Has a pending trace fail.
    pub(super) fn fail(&mut self, id: u64, message: String, now: Now) {
        if let Some(entry) = self.traces.values_mut().find(|entry| entry.id == id) {
            entry.fail(message, now);
        }
        self.forget();
    }

    /// Removes a trace. Returns its number, and what had become of it.
    pub(super) fn delete(&mut self, name: &str, now: Now) -> Result<(u64, Trace), Unknown> {
        let Self { traces, known, filters, .. } = self;
        let mut entry = traces.remove(name).ok_or_else(|| Unknown(name.to_owned()))?;
        entry.release_all(filters);
        entry.hub.close();
        Ok((entry.id, entry.trace(known, filters, now)))
    }

    pub(super) fn get(&self, name: &str, now: Now) -> Option<Trace> {
        Some(self.traces.get(name)?.trace(&self.known, &self.filters, now))
    }

    pub(super) fn list(&self, now: Now) -> List {
        let (mut completed, running): (Vec<_>, Vec<_>) = self.traces.values().partition(|entry| entry.is_over());
        completed.sort_by_key(|entry| std::cmp::Reverse(entry.ended.map(|ended| ended.instant)));
        let told = |entries: Vec<&Entry>| {
            entries.into_iter().map(|entry| entry.trace(&self.known, &self.filters, now)).collect()
        };
        List { running: told(running), completed: told(completed) }
    }

    pub(super) fn subscribe(&self, name: &str) -> Result<Subscription, Unknown> {
        self.traces.get(name).map(Entry::subscribe).ok_or_else(|| Unknown(name.to_owned()))
    }

    /// What is known of a cgroup is this now; nothing once no event of it can follow.
    pub(super) fn changed(&mut self, cgroup: CgroupId, known: Option<&Known>) {
        match known {
            Some(known) => drop(self.known.insert(cgroup, known.clone())),
            None => drop(self.known.remove(&cgroup)),
        }
        let known = known.filter(|known| !self.ignore.matches(&known.identity));
        for entry in self.traces.values_mut().filter(|entry| entry.is_following()) {
            entry.follow(cgroup, known, &mut self.filters);
        }
    }

    /// Hands out events, those of ignored containers aside.
    pub(super) fn take(&mut self, mut events: Vec<Event>) {
        events.retain(|event| !self.ignore.matches(&event.identity));
        for entry in self.traces.values_mut() {
            entry.take(&events);
        }
    }

    /// Ends what is due. Returns the numbers of the traces that are complete now, and when something is due again.
    pub(super) fn tick(&mut self, now: Now) -> (Vec<u64>, Option<Instant>) {
        let (mut complete, mut next) = (Vec::new(), None::<Instant>);
        for entry in self.traces.values_mut().filter(|entry| entry.phase == Phase::Running) {
            if entry.ended.is_none() && entry.deadline().is_some_and(|deadline| deadline <= now.instant) {
                entry.end(now, &mut self.filters);
            }
            match entry.ended.map(|ended| ended.instant + LATENCY).or(entry.deadline()) {
                Some(due) if due <= now.instant => {
                    entry.complete();
                    complete.push(entry.id);
                }
                due => next = next.into_iter().chain(due).min(),
            }
        }
        self.forget();
        (complete, next)
    }

    /// Forgets the oldest of those that are over, if there are too many.
    fn forget(&mut self) {
        let over = self.traces.iter().filter(|(_, entry)| entry.is_over());
        let mut over: Vec<_> = over.map(|(name, entry)| (entry.id, name.clone())).collect();
        over.sort_unstable();
        over.truncate(over.len().saturating_sub(KEPT));
        for (_, name) in over {
            self.traces.remove(&name);
        }
    }
}
