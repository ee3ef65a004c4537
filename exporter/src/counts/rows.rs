//! The rows themselves: by identity, and by name for starts and stops.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use doubleslit_common::kind::Kind;

use super::snapshot::{Lifecycle, PerKind, Sender, Subject};
use crate::identity::{Identity, Runtime, Scope};

/// A subject's number; never used again.
pub(super) type SubjectId = usize;

/// All rows that are exposed.
#[derive(Debug, Default)]
pub(super) struct Rows {
    next: usize,
    subjects: BTreeMap<SubjectId, (Arc<Subject>, usize)>,
    by_labels: HashMap<Arc<[String]>, SubjectId>,
    lifecycles: BTreeMap<usize, (Arc<Lifecycle>, usize)>,
    by_name: HashMap<(String, String, String, Runtime), usize>,
}

impl Rows {
    /// The subject with these labels, with one member more.
    pub(super) fn join(&mut self, scope: Scope, labels: Arc<[String]>) -> SubjectId {
        let id = *self.by_labels.entry(Arc::clone(&labels)).or_insert_with(|| {
            self.next += 1;
            self.next
        });
        let (subject, members) = self.subjects.entry(id).or_insert_with(|| {
            (Arc::new(Subject { scope, labels, counts: BTreeMap::new(), edges: BTreeMap::new() }), 0)
        });
        if scope == Scope::Container && subject.scope != scope {
            Arc::make_mut(subject).scope = scope;
        }
        *members += 1;
        id
    }

    /// One member less. With the last one the rows go, and what they counted is added to `retired`.
    pub(super) fn leave(&mut self, id: SubjectId, retired: &mut PerKind) {
        let Some((subject, members)) = self.subjects.get_mut(&id) else {
            return;
        };
        *members -= 1;
        if *members > 0 {
            return;
        }
        for ((kind, _), count) in &subject.counts {
            retired.add(*kind, *count);
        }
        self.by_labels.remove(&subject.labels);
        self.subjects.remove(&id);
    }

    /// Whether a subject has other members than one.
    pub(super) fn is_shared(&self, id: SubjectId) -> bool {
        self.subjects.get(&id).is_some_and(|(_, members)| *members > 1)
    }

    pub(super) fn labels(&self, id: SubjectId) -> Arc<[String]> {
        self.subjects.get(&id).map_or_else(|| Arc::from([]), |(subject, _)| Arc::clone(&subject.labels))
    }

    pub(super) fn add(&mut self, id: SubjectId, kind: Kind, detail: u32, increment: u64) {
        if let Some((subject, _)) = self.subjects.get_mut(&id) {
            *Arc::make_mut(subject).counts.entry((kind, detail)).or_default() += increment;
        }
    }

    pub(super) fn add_edge(&mut self, id: SubjectId, detail: u32, sender: &Arc<Sender>, increment: u64) {
        if let Some((subject, _)) = self.subjects.get_mut(&id) {
            *Arc::make_mut(subject).edges.entry((detail, Arc::clone(sender))).or_default() += increment;
        }
    }

    /// The row of starts and stops of containers named so, with one member more.
    pub(super) fn join_lifecycle(&mut self, identity: &Identity, runtime: Runtime) -> usize {
        let Identity { namespace, pod, container, .. } = identity;
        let name = (namespace.clone(), pod.clone(), container.clone(), runtime);
        let id = *self.by_name.entry(name).or_insert_with(|| {
            self.next += 1;
            self.next
        });
        let (_, members) = self.lifecycles.entry(id).or_insert_with(|| {
            let (namespace, pod, container) = (namespace.clone(), pod.clone(), container.clone());
            (Arc::new(Lifecycle { namespace, pod, container, runtime, starts: 0, stops: 0 }), 0)
        });
        *members += 1;
        id
    }

    pub(super) fn leave_lifecycle(&mut self, id: usize, retired: &mut PerKind) {
        let Some((row, members)) = self.lifecycles.get_mut(&id) else {
            return;
        };
        *members -= 1;
        if *members > 0 {
            return;
        }
        retired.add(Kind::ContainerStart, row.starts);
        retired.add(Kind::ContainerStop, row.stops);
        let Lifecycle { namespace, pod, container, runtime, .. } = row.as_ref();
        self.by_name.remove(&(namespace.clone(), pod.clone(), container.clone(), *runtime));
        self.lifecycles.remove(&id);
    }

    pub(super) fn add_lifecycle(&mut self, id: usize, kind: Kind, increment: u64) {
        if let Some((row, _)) = self.lifecycles.get_mut(&id) {
            let row = Arc::make_mut(row);
            *if kind == Kind::ContainerStart { &mut row.starts } else { &mut row.stops } += increment;
        }
    }

    /// Removes the rows of senders that are gone. The targets' totals stay: they are not made of these rows.
    pub(super) fn forget_senders(&mut self, dead: &HashSet<Arc<Sender>>) {
        if dead.is_empty() {
            return;
        }
        for (subject, _) in self.subjects.values_mut() {
            if subject.edges.keys().any(|(_, sender)| dead.contains(sender)) {
                Arc::make_mut(subject).edges.retain(|(_, sender), _| !dead.contains(sender));
            }
        }
    }

    pub(super) fn subjects(&self) -> Vec<Arc<Subject>> {
        self.subjects.values().map(|(subject, _)| Arc::clone(subject)).collect()
    }

    pub(super) fn lifecycles(&self) -> Vec<Arc<Lifecycle>> {
        self.lifecycles.values().map(|(row, _)| Arc::clone(row)).collect()
    }
}
