//! What one read of the maps found: immutable, shared by everyone who formats it.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, SystemTime},
};

use doubleslit_common::{kind::Kind, loss::Loss};

use crate::identity::{Identity, Runtime, Scope, labels::RowLabels};

/// Everything that a scrape shows of the counts, taken at one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// When the read began, since the machine was started: everything that happened before is in it.
    pub taken: Duration,
    /// The labels of rows, in the order of [`Subject::labels`].
    pub labels: Arc<RowLabels>,
    /// Whether containers may be ignored, or may have been.
    pub ignoring: bool,
    /// Rows by identity, in the order in which they were first seen.
    pub subjects: Vec<Arc<Subject>>,
    /// Starts and stops, by name instead of id.
    pub lifecycles: Vec<Arc<Lifecycle>>,
    /// Containers that run, or whose rows are still exposed.
    pub containers: Vec<Arc<Container>>,
    /// Everything ever counted, by kind; never falls.
    pub counted: PerKind,
    /// What was in rows that are no longer exposed, by kind; never falls. Counted equals rows plus retired.
    pub retired: PerKind,
    /// What containers that are left out counted, by kind; never falls. It is in `retired` too.
    pub ignored: PerKind,
    /// Increments kept in an `other` row instead of one of their own.
    pub folded: Vec<Folded>,
    /// What could not be stored where it belongs, by cause.
    pub losses: Vec<(Loss, u64)>,
    /// What the read cost, map by map.
    pub maps: Vec<MapRead>,
    /// What is known of cgroups.
    pub identities: Identities,
    /// How long the whole read took.
    pub duration: Duration,
}

/// What is known of cgroups, in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identities {
    /// Cgroups that are known.
    pub entries: usize,
    /// Files about containers that could not be used, by source and reason; never falls.
    pub failures: Vec<(&'static str, &'static str, u64)>,
    /// The sources with a socket, and whether they answer.
    pub up: Vec<(&'static str, bool)>,
}

/// A number for every kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PerKind([u64; Kind::COUNT]);

impl PerKind {
    /// The number of a kind.
    #[must_use]
    pub fn get(&self, kind: Kind) -> u64 {
        self.0[kind as usize]
    }

    /// Adds to the number of a kind.
    pub fn add(&mut self, kind: Kind, increment: u64) {
        self.0[kind as usize] += increment;
    }
}

/// The rows of one set of identity label values.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Whose rows these are.
    pub scope: Scope,
    /// The values of the row labels, in their order.
    pub labels: Arc<[String]>,
    /// Since when they count: the start of their container, or of the exporter where that came later.
    pub created: SystemTime,
    /// Counts by kind and detail.
    pub counts: BTreeMap<(Kind, u32), u64>,
    /// Generated signals by detail and sender: the same signals as in `counts`, split once more.
    pub edges: BTreeMap<(u32, Arc<Sender>), u64>,
}

impl Subject {
    /// Its counts of a kind, by detail.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = (u32, u64)> {
        self.counts.range((kind, 0)..=(kind, u32::MAX)).map(|((_, detail), count)| (*detail, *count))
    }
}

/// Who sent a signal, as far as labels tell.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sender {
    /// The value of `sender_container`.
    pub container: String,
    /// The value of `sender_namespace`.
    pub namespace: String,
}

/// The rows of containers with the same names: what outlives a container's id.
#[derive(Clone, Debug)]
pub struct Lifecycle {
    /// `namespace`.
    pub namespace: String,
    /// `pod`.
    pub pod: String,
    /// `container`.
    pub container: String,
    /// `runtime`.
    pub runtime: Runtime,
    /// The values of the labels that containers and pods bring along, in their order.
    pub extra: Arc<[String]>,
    /// Since when it counts.
    pub created: SystemTime,
    /// Containers started.
    pub starts: u64,
    /// Containers stopped.
    pub stops: u64,
}

/// A container as its information metrics show it.
#[derive(Clone, Debug)]
pub struct Container {
    /// The values of the row labels, in their order.
    pub labels: Arc<[String]>,
    /// What is known of it.
    pub identity: Arc<Identity>,
    /// The id of its cgroup.
    pub cgroup_id: u64,
    /// The path of its cgroup from the root of the hierarchy.
    pub cgroup_path: String,
    /// When it started.
    pub started: Option<SystemTime>,
    /// Whether its cgroup is still there.
    pub running: bool,
}

/// Increments that found no row of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Folded {
    /// The metric family, without `_total`.
    pub metric: &'static str,
    /// Why.
    pub reason: &'static str,
    /// How many; never falls.
    pub count: u64,
}

/// What reading one map cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapRead {
    /// The map's name, in lower case.
    pub map: &'static str,
    /// Entries found.
    pub keys: usize,
    /// Entries that it can hold.
    pub capacity: usize,
    /// System calls made.
    pub syscalls: usize,
    /// Time taken.
    pub duration: Duration,
}
