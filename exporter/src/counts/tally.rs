//! From readings of the maps to rows that never fall.
//!
//! An increment lands in one row, once, and never moves. Rows leave when all cgroups that they belong to have been gone for
//! the grace time; what they counted is then in [`Snapshot::retired`], so that counted equals rows plus retired.

mod adding;
mod leaving;
mod terms;

pub use self::terms::Terms;

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use doubleslit_common::{
    key::{CountKey, EdgeKey, NOBODY},
    kind::Kind,
    loss::Loss,
    probes::signal,
};

use super::{
    cells::Cells,
    limits::Limits,
    rows::{NOWHERE, Rows, SubjectId},
    snapshot::{Container, Folded, Identities, PerKind, Sender, Snapshot},
    source::Reading,
};
use crate::{
    filter::Owners,
    identity::{CgroupId, Identity, Scope, directory::Cgroup, ignore::Ignore, labels::RowLabels},
    probes::{Source, syscall::Calls},
};

/// What a tally goes by.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The labels of rows.
    pub labels: RowLabels,
    /// How long rows stay after their cgroups are gone.
    pub grace: Duration,
    /// How many rows there may be.
    pub limits: Limits,
    /// Who has no rows.
    pub ignore: Ignore,
    /// Which calls are counted, and which of them have histograms.
    pub calls: Calls,
    /// Who has rows of system calls.
    pub calls_of: Owners,
    /// Since when events are counted.
    pub begun: SystemTime,
    /// What was counted since then and is in the maps no more, by kind: its rows are gone.
    pub settled: PerKind,
}

/// Monotone totals, by row.
#[derive(Debug)]
pub struct Tally {
    labels: Arc<RowLabels>,
    grace: Duration,
    ignore: Ignore,
    /// Whether somebody is ignored, or may have been.
    has_ignored: bool,
    calls_of: Owners,
    begun: SystemTime,
    counts: Cells<CountKey>,
    edges: Cells<EdgeKey>,
    skipped: Cells<Kind>,
    losses: Cells<(Loss, Kind)>,
    owners: HashMap<CgroupId, Owner>,
    /// Cgroups that wait for their names: their counts stay in the maps.
    held: HashSet<CgroupId>,
    /// Owners whose cgroup is gone, in the order in which they went.
    leaving: VecDeque<(Instant, CgroupId)>,
    containers: Vec<Arc<Container>>,
    rows: Rows,
    /// The row `other`, once it has what nobody owns: from then on it stays.
    other: Option<SubjectId>,
    senders: HashMap<Arc<Sender>, usize>,
    kernel: Arc<Sender>,
    unknown: Arc<Sender>,
    /// The sender of rows `other` that stand for rows of several senders.
    others: Arc<Sender>,
    counted: PerKind,
    retired: PerKind,
    ignored: PerKind,
    folded: Vec<Folded>,
    /// When the last reading was applied.
    now: Instant,
}

/// A cgroup that events are counted for.
#[derive(Debug)]
struct Owner {
    /// Whose it is; nothing for the host itself and for a cgroup that nobody has told of.
    cgroup: Option<Cgroup>,
    subject: SubjectId,
    /// The row of its starts and stops, if it is a container's own cgroup.
    lifecycle: Option<usize>,
    sender: Arc<Sender>,
    /// What it had before it got other names: what was counted there stays there.
    former: Vec<Former>,
    /// Whether nothing is known of it.
    unresolved: bool,
    /// Whether it has no rows of system calls.
    without_calls: bool,
    removed: bool,
    /// Its entries in the maps, as target and as sender.
    counts: Vec<CountKey>,
    edges: HashSet<EdgeKey>,
    /// When it last counted.
    active: Instant,
}

/// The rows of an owner under names that it had before.
#[derive(Debug)]
struct Former {
    subject: SubjectId,
    lifecycle: Option<usize>,
    sender: Arc<Sender>,
}

impl Tally {
    /// An empty tally.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let Settings { labels, grace, limits, ignore, calls, calls_of, begun, settled } = settings;
        let mut rows = Rows::new(limits, calls);
        let host = rows.join(Scope::Host, labels.values(&Identity::default()), begun);
        // No container can have these names.
        let [kernel, unknown] = ["(kernel)", "(unknown)"].map(|name| {
            let (container, namespace) = (name.to_owned(), String::new());
            Arc::new(Sender { container, namespace })
        });
        let others = Arc::new(Sender { container: "other".to_owned(), namespace: "other".to_owned() });
        let mut tally = Self {
            labels: labels.into(),
            grace,
            has_ignored: !ignore.0.is_empty(),
            ignore,
            calls_of,
            begun,
            counts: Cells::default(),
            edges: Cells::default(),
            skipped: Cells::default(),
            losses: Cells::default(),
            owners: HashMap::new(),
            held: HashSet::new(),
            leaving: VecDeque::new(),
            containers: Vec::new(),
            rows,
            other: None,
            // These are always in use.
            senders: [&kernel, &unknown, &others].map(|sender| (Arc::clone(sender), 1)).into(),
            kernel,
            unknown,
            others,
            counted: settled,
            retired: settled,
            ignored: PerKind::default(),
            folded: Vec::new(),
            now: Instant::now(),
        };
        tally.own(CgroupId(NOBODY), host, &Identity::default(), false);
        tally
    }

    /// Takes a cgroup into account from now on. Its container's rows appear. Says whether it is new.
    pub fn adopt(&mut self, cgroup: &Cgroup) -> bool {
        self.held.remove(&cgroup.id);
        if self.owners.contains_key(&cgroup.id) {
            return false;
        }
        let subject = self.place(cgroup);
        self.own(cgroup.id, subject, &cgroup.identity, false);
        let without_calls = self.is_without_calls(cgroup);
        if let Some(owner) = self.owners.get_mut(&cgroup.id) {
            owner.without_calls = without_calls;
            owner.cgroup = Some(cgroup.clone());
        }
        self.show(cgroup, subject);
        true
    }

    /// Whether events of a kind were counted for a cgroup, as far as its entries in the maps tell.
    #[must_use]
    pub fn has_counted(&self, id: CgroupId, kind: Kind) -> bool {
        self.owners.get(&id).is_some_and(|owner| owner.counts.iter().any(|key| key.kind() == Some(kind)))
    }

    /// Counts nothing for a cgroup until it is adopted.
    pub fn hold(&mut self, id: CgroupId) {
        if !self.owners.contains_key(&id) {
            self.held.insert(id);
        }
    }

    /// A cgroup has got other names. From now on it counts in the rows of these; what was counted stays where it is.
    pub fn rename(&mut self, cgroup: &Cgroup) {
        let Some(mut owner) = self.owners.remove(&cgroup.id) else {
            return;
        };
        let subject = self.place(cgroup);
        let former =
            Former { subject: owner.subject, lifecycle: owner.lifecycle.take(), sender: Arc::clone(&owner.sender) };
        owner.subject = subject;
        owner.cgroup = Some(cgroup.clone());
        owner.without_calls = self.is_without_calls(cgroup);
        owner.sender = self.join_sender(&cgroup.identity);
        owner.former.push(former);
        self.owners.insert(cgroup.id, owner);
        self.containers.retain(|container| container.cgroup_id != cgroup.id.0);
        self.show(cgroup, subject);
    }

    /// The subject that a cgroup counts for, with one member more.
    fn place(&mut self, cgroup: &Cgroup) -> SubjectId {
        let identity = &cgroup.identity;
        if self.ignore.matches(identity) {
            return NOWHERE;
        }
        self.rows.join(identity.scope, self.labels.values(identity), self.created(cgroup))
    }

    fn is_without_calls(&self, cgroup: &Cgroup) -> bool {
        !self.calls_of.wants(cgroup.id, &cgroup.path, &cgroup.identity)
    }

    /// Since when a cgroup's events are counted.
    fn created(&self, cgroup: &Cgroup) -> SystemTime {
        cgroup.started.map_or(self.begun, |started| started.max(self.begun))
    }

    /// Shows a container's own cgroup as such, unless it is ignored.
    fn show(&mut self, cgroup: &Cgroup, subject: SubjectId) {
        let identity = &cgroup.identity;
        let Some(runtime) = identity.runtime.filter(|_| cgroup.own && identity.scope == Scope::Container) else {
            return;
        };
        let lifecycle = if subject == NOWHERE {
            NOWHERE
        } else {
            let extra = self.labels.extra_values(identity);
            self.rows.join_lifecycle(identity, runtime, extra, self.created(cgroup))
        };
        if let Some(owner) = self.owners.get_mut(&cgroup.id) {
            owner.lifecycle = Some(lifecycle);
        }
        if subject == NOWHERE {
            return;
        }
        self.containers.push(Arc::new(Container {
            labels: self.rows.labels(subject),
            identity: Arc::clone(identity),
            cgroup_id: cgroup.id.0,
            cgroup_path: cgroup.path.to_string(),
            started: cgroup.started,
            running: cgroup.removed_at.is_none(),
        }));
    }

    /// A cgroup's directory is gone: its rows stay for the grace time.
    pub fn remove(&mut self, id: CgroupId, now: Instant) {
        let Some(owner) = self.owners.get_mut(&id).filter(|owner| !owner.removed) else {
            return;
        };
        owner.removed = true;
        self.leaving.push_back((now, id));
        self.show_as_gone(id);
    }

    fn show_as_gone(&mut self, id: CgroupId) {
        for container in self.containers.iter_mut().filter(|container| container.cgroup_id == id.0) {
            Arc::make_mut(container).running = false;
        }
    }

    /// The cgroups in a reading that nobody has told of yet.
    #[must_use]
    pub fn strangers(&self, reading: &Reading) -> HashSet<CgroupId> {
        let counts = reading.counts.iter().filter(|(key, _)| !self.counts.contains(key)).map(|(key, _)| key.cgroup());
        let edges = reading.edges.iter().filter(|(key, _)| !self.edges.contains(key));
        let edges = edges.flat_map(|(key, _)| key.parties());
        let unknown = |id: &CgroupId| !self.owners.contains_key(id) && !self.held.contains(id);
        counts.chain(edges).map(CgroupId).filter(unknown).collect()
    }

    /// Adds what a reading has more than the one before. Cgroups that are still unknown count for the row `other`.
    pub fn apply(&mut self, reading: &Reading, now: Instant) {
        self.now = now;
        self.rows.begin();
        let is_held = |held: &HashSet<CgroupId>, id| !held.is_empty() && held.contains(&CgroupId(id));
        for &(key, value) in &reading.counts {
            if !is_held(&self.held, key.cgroup()) {
                self.apply_count(key, value);
            }
        }
        for &(key, value) in &reading.edges {
            if !key.parties().any(|party| is_held(&self.held, party)) {
                self.apply_edge(key, value);
            }
        }
        for &(kind, value) in &reading.skipped {
            self.apply_skipped(kind, value);
        }
        for &((cause, kind), value) in &reading.losses {
            self.apply_loss(cause, kind, value);
        }
    }

    /// What a scrape shows, of a reading that began so long after the machine was started and took so long.
    #[must_use]
    pub fn snapshot(&self, reading: &Reading, identities: Identities, taken: Duration, duration: Duration) -> Snapshot {
        // What is lost of a time is no number of updates.
        let kinds = || Kind::ALL.into_iter().filter(|kind| !kind.is_time());
        let loss = |cause: &Loss| (*cause, kinds().map(|kind| self.losses.get(&(*cause, kind))).sum());
        Snapshot {
            taken,
            labels: Arc::clone(&self.labels),
            ignoring: self.has_ignored,
            subjects: self.rows.subjects(),
            lifecycles: self.rows.lifecycles(),
            containers: self.containers.clone(),
            counted: self.counted,
            retired: self.retired,
            ignored: self.ignored,
            folded: self.folded.clone(),
            losses: Loss::ALL.iter().map(loss).collect(),
            maps: reading.maps.clone(),
            identities,
            duration,
        }
    }

    /// The sender that stands for an owner, with one user more.
    fn join_sender(&mut self, identity: &Identity) -> Arc<Sender> {
        let container =
            if identity.container.is_empty() { identity.container_id.clone() } else { identity.container.clone() };
        let sender = Arc::new(Sender { container, namespace: identity.namespace.clone() });
        let (sender, users) = match self.senders.get_key_value(&sender) {
            Some((known, users)) => (Arc::clone(known), users + 1),
            None => (sender, 1),
        };
        self.senders.insert(Arc::clone(&sender), users);
        sender
    }

    fn own(&mut self, id: CgroupId, subject: SubjectId, identity: &Identity, unresolved: bool) {
        let sender = self.join_sender(identity);
        self.owners.insert(
            id,
            Owner {
                cgroup: None,
                subject,
                lifecycle: None,
                sender,
                former: Vec::new(),
                unresolved,
                without_calls: false,
                removed: false,
                counts: Vec::new(),
                edges: HashSet::new(),
                active: self.now,
            },
        );
    }

    /// The owner with this id. One that nobody has told of belongs to the row `other`.
    fn owner(&mut self, id: CgroupId) -> Option<&mut Owner> {
        if !self.owners.contains_key(&id) {
            let (other, identity) = self.join_other();
            self.own(id, other, &identity, true);
            // It will never be told of, so it leaves as if it were gone.
            self.remove(id, self.now);
        }
        self.owners.get_mut(&id)
    }

    fn apply_count(&mut self, key: CountKey, value: u64) {
        let id = CgroupId(key.cgroup());
        let (increment, new) = self.counts.raise(key, value);
        if new && let Some(owner) = self.owner(id) {
            owner.counts.push(key);
        }
        if increment == 0 {
            return;
        }
        match key.kind() {
            Some(Kind::SignalGenerate) => {
                let (sender, detail) = signal::Sender::part(key.detail());
                self.count(id, Kind::SignalGenerate, detail, increment);
                if let Some(owner) = self.owners.get(&id) {
                    let sender = match sender {
                        signal::Sender::Own => &owner.sender,
                        signal::Sender::Kernel => &self.kernel,
                        signal::Sender::Unknown => &self.unknown,
                    };
                    self.add_edge(owner.subject, detail, &Arc::clone(sender), increment);
                }
            }
            Some(kind) => self.count(id, kind, key.detail(), increment),
            // A kind of another version: nobody asks for it.
            None => {}
        }
    }

    fn apply_edge(&mut self, key: EdgeKey, value: u64) {
        let id = CgroupId(key.target.cgroup());
        let increment = self.raise_edge(key, value);
        if increment == 0 {
            return;
        }
        self.count(id, Kind::SignalGenerate, key.target.detail(), increment);
        // Rows of senders that are gone are gone, too.
        let Some(sender) = key.sender() else { return };
        let sender = self.owners.get(&CgroupId(sender)).map_or(&self.unknown, |owner| &owner.sender);
        if let Some(owner) = self.owners.get(&id) {
            self.add_edge(owner.subject, key.target.detail(), &Arc::clone(sender), increment);
        }
    }

    /// Takes a new value of an edge. Returns by how much it is higher than the last one.
    fn raise_edge(&mut self, key: EdgeKey, value: u64) -> u64 {
        let (increment, new) = self.edges.raise(key, value);
        if new {
            for party in key.parties().map(CgroupId) {
                if let Some(owner) = self.owner(party) {
                    owner.edges.insert(key);
                }
            }
        }
        increment
    }

    /// An edge has `value` more, which was counted for another one, and `total` now.
    fn hand_on(&mut self, key: EdgeKey, value: u64, total: u64) {
        let unread = self.raise_edge(key, total).saturating_sub(value);
        self.count(CgroupId(key.target.cgroup()), Kind::SignalGenerate, key.target.detail(), unread);
    }

    fn apply_skipped(&mut self, kind: Kind, value: u64) {
        let (increment, _) = self.skipped.raise(kind, value);
        if increment > 0 {
            self.count_for_other(kind, "skipped", increment);
        }
    }

    fn apply_loss(&mut self, cause: Loss, kind: Kind, value: u64) {
        let (increment, _) = self.losses.raise((cause, kind), value);
        // A start or stop without its cgroup may be no container's.
        if increment == 0 || matches!(kind, Kind::ContainerStart | Kind::ContainerStop) {
            return;
        }
        if cause.is_only_place() {
            self.count_for_other(kind, cause.reason(), increment);
        } else {
            let source =
                if matches!(cause, Loss::HitsFull | Loss::HitsRefused) { Source::Counts } else { Source::Edges };
            self.fold(kind, source, cause.reason(), increment);
        }
    }
}

#[cfg(test)]
mod tests;
