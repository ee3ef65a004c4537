//! A trace while it is kept: its plan, whom it is about, and what became of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use super::{
    filters::Filters,
    plan::Plan,
    spec::Spec,
    state::Kernel,
    status::{Container, Phase, Status, Trace},
    wanted::Key,
};
use crate::{
    events::{
        event::Event,
        hub::{Hub, Subscription},
    },
    identity::{CgroupId, registry::Known},
};

/// How many containers a trace remembers.
const REMEMBERED: usize = 1000;
/// What its streams are called, one for all.
const READERS: &str = "trace";

/// What is on in the kernel.
pub(super) type KernelFilters = Filters<Key, Box<dyn Kernel>>;

/// What time it is, on both clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub(super) wall: SystemTime,
    pub(super) instant: Instant,
}

impl Now {
    pub(super) fn read() -> Self {
        Self { wall: SystemTime::now(), instant: Instant::now() }
    }
}

/// A trace.
#[derive(Debug)]
pub(super) struct Entry {
    /// Tells it from others that had its name.
    pub(super) id: u64,
    name: String,
    pub(super) spec: Spec,
    pub(super) plan: Plan,
    pub(super) phase: Phase,
    message: String,
    created: SystemTime,
    started: Option<Now>,
    /// When it ended. While it is still running, the last of its events are on their way.
    pub(super) ended: Option<Now>,
    /// The cgroups that it is about.
    cgroups: BTreeSet<CgroupId>,
    /// The containers that it was about, by their cgroups. Younger cgroups have higher ids.
    matched: BTreeMap<CgroupId, Container>,
    /// What it holds, and how many events each had lost before.
    held: BTreeMap<Key, u64>,
    hits: u64,
    events: u64,
    /// What was lost by keys that it does not hold any more.
    lost: u64,
    pub(super) hub: Arc<Hub>,
}

impl Entry {
    pub(super) fn new(id: u64, name: &str, spec: Spec, plan: Plan, now: Now) -> Self {
        Self {
            id,
            name: name.to_owned(),
            spec,
            plan,
            phase: Phase::Pending,
            message: String::new(),
            created: now.wall,
            started: None,
            ended: None,
            cgroups: BTreeSet::new(),
            matched: BTreeMap::new(),
            held: BTreeMap::new(),
            hits: 0,
            events: 0,
            lost: 0,
            hub: Arc::default(),
        }
    }

    /// Whether it follows containers.
    pub(super) fn is_following(&self) -> bool {
        self.phase == Phase::Running && self.ended.is_none()
    }

    /// When its time is over.
    pub(super) fn deadline(&self) -> Option<Instant> {
        Some(self.started?.instant + self.plan.duration?)
    }

    /// Whether nothing more will become of it.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Complete | Phase::Failed)
    }

    /// Begins. What owners it is about is told by [`Self::follow`].
    pub(super) fn begin(&mut self, now: Now, filters: &mut KernelFilters) {
        self.phase = Phase::Running;
        self.started = Some(now);
        if !self.plan.asks_owner() {
            self.hold(None, filters);
        }
    }

    /// Fails: the kernel cannot be asked.
    pub(super) fn fail(&mut self, message: String, now: Now) {
        self.phase = Phase::Failed;
        self.message = message;
        self.ended = Some(now);
        self.hub.close();
    }

    /// What is known of a cgroup is this now; nothing once no event of it can follow.
    pub(super) fn follow(&mut self, cgroup: CgroupId, known: Option<&Known>, filters: &mut KernelFilters) {
        let known = known.filter(|known| self.plan.is_about(&known.path, &known.identity));
        let Some(known) = known else {
            if self.cgroups.remove(&cgroup) {
                let keys = self.held.keys().copied().filter(|key| key.cgroup == Some(cgroup)).collect::<Vec<_>>();
                keys.into_iter().for_each(|key| self.release(key, filters));
            }
            return;
        };
        if let Some(container) = Container::of(&known.identity) {
            self.matched.insert(cgroup, container);
            if self.matched.len() > REMEMBERED {
                self.matched.pop_first();
            }
        }
        if self.cgroups.insert(cgroup) && self.plan.asks_owner() {
            self.hold(Some(cgroup), filters);
        }
    }

    /// Its time is over: the kernel need not be asked any more, but events may still be on their way.
    pub(super) fn end(&mut self, now: Now, filters: &mut KernelFilters) {
        self.ended = Some(now);
        self.release_all(filters);
    }

    /// The last of its events has come.
    pub(super) fn complete(&mut self) {
        self.phase = Phase::Complete;
        self.cgroups.clear();
        self.hub.close();
    }

    /// Takes those of some events that it is about.
    pub(super) fn take(&mut self, events: &[Event]) {
        if self.phase != Phase::Running {
            return;
        }
        let mut taken = Vec::new();
        for event in events {
            let is_late = self.ended.is_some_and(|ended| event.time > ended.wall);
            let is_about = !self.plan.asks_owner() || self.cgroups.contains(&event.cgroup);
            if is_late || !is_about || !self.plan.wants(event) {
                continue;
            }
            self.hits += 1;
            if self.hits.is_multiple_of(u64::from(self.plan.sample_rate)) {
                taken.push(Event { weight: self.plan.sample_rate, ..event.clone() });
            }
        }
        self.events += taken.len() as u64;
        if !taken.is_empty() {
            self.hub.publish(taken);
        }
    }

    /// Holds nothing any more.
    pub(super) fn release_all(&mut self, filters: &mut KernelFilters) {
        while let Some((key, _)) = self.held.first_key_value() {
            self.release(*key, filters);
        }
    }

    fn hold(&mut self, cgroup: Option<CgroupId>, filters: &mut KernelFilters) {
        for wanted in self.plan.wanted.clone() {
            let key = Key { cgroup, wanted };
            match filters.hold(key) {
                Ok(()) => drop(self.held.insert(key, filters.switch().lost(key))),
                Err(message) => self.message = message,
            }
        }
    }

    fn release(&mut self, key: Key, filters: &mut KernelFilters) {
        if let Some(before) = self.held.remove(&key) {
            self.lost += filters.switch().lost(key).saturating_sub(before);
            filters.release(key);
        }
    }

    /// The trace as it is now.
    pub(super) fn trace(&self, known: &BTreeMap<CgroupId, Known>, filters: &KernelFilters, now: Now) -> Trace {
        let lost = self.held.iter().map(|(key, before)| filters.switch().lost(*key).saturating_sub(*before));
        let there = self.cgroups.iter().filter_map(|cgroup| known.get(cgroup)).filter(|known| !known.is_removed);
        let containers = there.filter_map(|known| Container::of(&known.identity)).collect::<BTreeSet<_>>();
        let matched = self.matched.values().cloned().collect::<BTreeSet<_>>();
        let elapsed = self.started.map_or(Duration::ZERO, |started| {
            self.ended.unwrap_or(now).instant.saturating_duration_since(started.instant)
        });
        let is_over = self.is_over();
        let status = Status {
            phase: self.phase,
            message: self.message.clone(),
            created: self.created,
            started: self.started.map(|started| started.wall),
            completed: self.ended.filter(|_| is_over).map(|ended| ended.wall),
            duration: self.plan.duration,
            elapsed,
            containers: containers.into_iter().collect(),
            matched_containers: matched.into_iter().collect(),
            hits: self.hits,
            events: self.events,
            lost: self.lost + lost.sum::<u64>(),
            missed: self.hub.missed().values().sum(),
        };
        Trace { name: self.name.clone(), spec: self.spec.clone(), status }
    }

    /// Its events from now on.
    pub(super) fn subscribe(&self) -> Subscription {
        self.hub.subscribe(READERS)
    }
}
