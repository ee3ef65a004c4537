//! From readings of the maps to rows that never fall.
//!
//! An increment lands in one row, once, and never moves. Rows leave when all cgroups that they belong to have been gone for
//! the grace time; what they counted is then in [`Snapshot::retired`], so that counted equals rows plus retired.

mod leaving;

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use doubleslit_common::{
    key::{CountKey, EdgeKey, NOBODY},
    kind::Kind,
    loss::Loss,
    probes::signal,
};

use super::{
    cells::Cells,
    rows::{Rows, SubjectId},
    snapshot::{Container, Folded, Identities, PerKind, Sender, Snapshot},
    source::Reading,
};
use crate::{
    identity::{CgroupId, Identity, Scope, directory::Cgroup, labels::IdentityLabel},
    probes::{self, OTHER_DETAIL, Source},
};

/// Monotone totals, by row.
#[derive(Debug)]
pub struct Tally {
    labels: Vec<IdentityLabel>,
    grace: Duration,
    counts: Cells<CountKey>,
    edges: Cells<EdgeKey>,
    skipped: Cells<Kind>,
    losses: Cells<(Loss, Kind)>,
    owners: HashMap<CgroupId, Owner>,
    /// Owners whose cgroup is gone, in the order in which they went.
    leaving: VecDeque<(Instant, CgroupId)>,
    containers: Vec<Arc<Container>>,
    rows: Rows,
    /// The row `other`, once it has what nobody owns: from then on it stays.
    other: Option<SubjectId>,
    senders: HashMap<Arc<Sender>, usize>,
    kernel: Arc<Sender>,
    unknown: Arc<Sender>,
    counted: PerKind,
    retired: PerKind,
    folded: Vec<Folded>,
    /// When the last reading was applied.
    now: Instant,
}

/// A cgroup that events are counted for.
#[derive(Debug)]
struct Owner {
    subject: SubjectId,
    /// The row of its starts and stops, if it is a container's own cgroup.
    lifecycle: Option<usize>,
    sender: Arc<Sender>,
    /// Whether nothing is known of it.
    unresolved: bool,
    removed: bool,
    /// Its entries in the maps, as target and as sender.
    counts: Vec<CountKey>,
    edges: HashSet<EdgeKey>,
    /// When it last counted.
    active: Instant,
}

impl Tally {
    /// An empty tally. Rows carry `labels` and stay for `grace` after their cgroups are gone.
    #[must_use]
    pub fn new(labels: Vec<IdentityLabel>, grace: Duration) -> Self {
        let mut rows = Rows::default();
        let host = rows.join(Scope::Host, project(&labels, &Identity::default()));
        // No container can have these names.
        let [kernel, unknown] = ["(kernel)", "(unknown)"].map(|name| {
            let (container, namespace) = (name.to_owned(), String::new());
            Arc::new(Sender { container, namespace })
        });
        let mut tally = Self {
            labels,
            grace,
            counts: Cells::default(),
            edges: Cells::default(),
            skipped: Cells::default(),
            losses: Cells::default(),
            owners: HashMap::new(),
            leaving: VecDeque::new(),
            containers: Vec::new(),
            rows,
            other: None,
            // These two are always in use.
            senders: HashMap::from([(Arc::clone(&kernel), 1), (Arc::clone(&unknown), 1)]),
            kernel,
            unknown,
            counted: PerKind::default(),
            retired: PerKind::default(),
            folded: Vec::new(),
            now: Instant::now(),
        };
        tally.own(CgroupId(NOBODY), host, &Identity::default(), false);
        tally
    }

    /// Takes a cgroup into account from now on. Its container's rows appear.
    pub fn adopt(&mut self, cgroup: &Cgroup) {
        if self.owners.contains_key(&cgroup.id) {
            return;
        }
        let identity = &cgroup.identity;
        let subject = self.rows.join(identity.scope, project(&self.labels, identity));
        self.own(cgroup.id, subject, identity, false);
        let Some(runtime) = identity.runtime.filter(|_| cgroup.own && identity.scope == Scope::Container) else {
            return;
        };
        let lifecycle = self.rows.join_lifecycle(identity, runtime);
        if let Some(owner) = self.owners.get_mut(&cgroup.id) {
            owner.lifecycle = Some(lifecycle);
        }
        self.containers.push(Arc::new(Container {
            labels: self.rows.labels(subject),
            identity: Arc::clone(identity),
            cgroup_id: cgroup.id.0,
            cgroup_path: cgroup.path.to_string(),
            started: cgroup.started,
            running: true,
        }));
    }

    /// A cgroup's directory is gone: its rows stay for the grace time.
    pub fn remove(&mut self, id: CgroupId, now: Instant) {
        let Some(owner) = self.owners.get_mut(&id).filter(|owner| !owner.removed) else {
            return;
        };
        owner.removed = true;
        self.leaving.push_back((now, id));
        for container in self.containers.iter_mut().filter(|container| container.cgroup_id == id.0) {
            Arc::make_mut(container).running = false;
        }
    }

    /// The cgroups in a reading that nobody has told of yet.
    #[must_use]
    pub fn strangers(&self, reading: &Reading) -> HashSet<CgroupId> {
        let counts = reading.counts.iter().filter(|(key, _)| !self.counts.contains(key)).map(|(key, _)| key.cgroup());
        let edges = reading.edges.iter().filter(|(key, _)| !self.edges.contains(key));
        let edges = edges.flat_map(|(key, _)| [key.target.cgroup(), key.sender]);
        counts.chain(edges).map(CgroupId).filter(|id| !self.owners.contains_key(id)).collect()
    }

    /// Adds what a reading has more than the one before. Cgroups that are still unknown count for the row `other`.
    pub fn apply(&mut self, reading: &Reading, now: Instant) {
        self.now = now;
        for &(key, value) in &reading.counts {
            self.apply_count(key, value);
        }
        for &(key, value) in &reading.edges {
            self.apply_edge(key, value);
        }
        for &(kind, value) in &reading.skipped {
            self.apply_skipped(kind, value);
        }
        for &((cause, kind), value) in &reading.losses {
            self.apply_loss(cause, kind, value);
        }
    }

    /// What a scrape shows.
    #[must_use]
    pub fn snapshot(&self, reading: &Reading, identities: Identities, duration: Duration) -> Snapshot {
        let loss = |cause: &Loss| (*cause, Kind::ALL.iter().map(|kind| self.losses.get(&(*cause, *kind))).sum());
        Snapshot {
            subjects: self.rows.subjects(),
            lifecycles: self.rows.lifecycles(),
            containers: self.containers.clone(),
            counted: self.counted,
            retired: self.retired,
            folded: self.folded.clone(),
            losses: Loss::ALL.iter().map(loss).collect(),
            maps: reading.maps.clone(),
            identities,
            duration,
        }
    }

    fn own(&mut self, id: CgroupId, subject: SubjectId, identity: &Identity, unresolved: bool) {
        let container =
            if identity.container.is_empty() { identity.container_id.clone() } else { identity.container.clone() };
        let sender = Arc::new(Sender { container, namespace: identity.namespace.clone() });
        let (sender, users) = match self.senders.get_key_value(&sender) {
            Some((known, users)) => (Arc::clone(known), users + 1),
            None => (sender, 1),
        };
        self.senders.insert(Arc::clone(&sender), users);
        self.owners.insert(
            id,
            Owner {
                subject,
                lifecycle: None,
                sender,
                unresolved,
                removed: false,
                counts: Vec::new(),
                edges: HashSet::new(),
                active: self.now,
            },
        );
    }

    /// The row `other`, with one member more.
    fn join_other(&mut self) -> (SubjectId, Identity) {
        let identity = Identity { scope: Scope::Other, container: "other".to_owned(), ..Identity::default() };
        (self.rows.join(Scope::Other, project(&self.labels, &identity)), identity)
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
                    self.rows.add_edge(owner.subject, detail, sender, increment);
                }
            }
            Some(kind) => self.count(id, kind, key.detail(), increment),
            // A kind of another version: nobody asks for it.
            None => {}
        }
    }

    fn apply_edge(&mut self, key: EdgeKey, value: u64) {
        let id = CgroupId(key.target.cgroup());
        let (increment, new) = self.edges.raise(key, value);
        if new {
            for party in [id, CgroupId(key.sender)] {
                if let Some(owner) = self.owner(party) {
                    owner.edges.insert(key);
                }
            }
        }
        if increment == 0 {
            return;
        }
        self.count(id, Kind::SignalGenerate, key.target.detail(), increment);
        let sender = self.owners.get(&CgroupId(key.sender)).map_or(&self.unknown, |owner| &owner.sender);
        if let Some(owner) = self.owners.get(&id) {
            self.rows.add_edge(owner.subject, key.target.detail(), sender, increment);
        }
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
            self.fold(kind, Source::Edges, cause.reason(), increment);
        }
    }

    /// Adds an increment whose owner and detail are not known to the row `other`.
    fn count_for_other(&mut self, kind: Kind, reason: &'static str, increment: u64) {
        let other = match self.other {
            Some(other) => other,
            None => self.join_other().0,
        };
        self.other = Some(other);
        self.rows.add(other, kind, OTHER_DETAIL, increment);
        self.counted.add(kind, increment);
        if kind == Kind::SignalGenerate {
            let unknown = Arc::clone(&self.unknown);
            self.rows.add_edge(other, OTHER_DETAIL, &unknown, increment);
        }
        self.fold(kind, Source::Counts, reason, increment);
    }

    /// Adds an increment to the row that it belongs to.
    fn count(&mut self, id: CgroupId, kind: Kind, detail: u32, increment: u64) {
        let Some(owner) = self.owners.get_mut(&id) else {
            return;
        };
        owner.active = self.now;
        let unresolved = owner.unresolved;
        match kind {
            Kind::ContainerStart | Kind::ContainerStop => {
                let Some(lifecycle) = owner.lifecycle else {
                    return;
                };
                self.rows.add_lifecycle(lifecycle, kind, increment);
            }
            _ => self.rows.add(owner.subject, kind, detail, increment),
        }
        self.counted.add(kind, increment);
        if unresolved {
            self.fold(kind, Source::Counts, "unresolved", increment);
        }
    }

    fn fold(&mut self, kind: Kind, source: Source, reason: &'static str, increment: u64) {
        let family = probes::families().find(|family| family.kind == kind && family.source == source);
        let Some(metric) = family.map(|family| family.name) else {
            return;
        };
        match self.folded.iter_mut().find(|folded| (folded.metric, folded.reason) == (metric, reason)) {
            Some(folded) => folded.count += increment,
            None => self.folded.push(Folded { metric, reason, count: increment }),
        }
    }
}

fn project(labels: &[IdentityLabel], identity: &Identity) -> Arc<[String]> {
    labels.iter().map(|label| label.value(identity).to_owned()).collect()
}

#[cfg(test)]
mod tests;
