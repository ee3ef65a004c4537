//! The rows themselves: by identity, and by name for starts and stops.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::SystemTime,
};

use doubleslit_common::kind::Kind;

use super::{
    limits::{Full, Limits, Usage, head, series},
    snapshot::{Lifecycle, PerKind, Sender, Subject},
};
use crate::{
    identity::{Identity, Runtime, Scope},
    probes::{OTHER_DETAIL, Source, syscall::Calls},
};

/// A subject's number; never used again.
pub(super) type SubjectId = usize;

/// The number that no subject and no row of starts and stops has: what is left out belongs there.
pub(super) const NOWHERE: usize = 0;

/// What the rows of starts and stops are told apart by.
type Name = (String, String, String, Runtime, Arc<[String]>);

/// All rows that are exposed.
#[derive(Debug, Default)]
pub(super) struct Rows {
    limits: Limits,
    calls: Calls,
    usage: Usage,
    /// Why calls of a subject have no histogram, since the last reading began: what is then added to the same call goes the same way,
    /// whatever has come to be full meanwhile.
    refused: HashMap<(SubjectId, u32), Full>,
    next: usize,
    subjects: BTreeMap<SubjectId, Entry>,
    by_labels: HashMap<Arc<[String]>, SubjectId>,
    lifecycles: BTreeMap<usize, (Arc<Lifecycle>, usize)>,
    by_name: HashMap<Name, usize>,
}

#[derive(Debug)]
struct Entry {
    subject: Arc<Subject>,
    members: usize,
    /// Its rows that the limits are about.
    rows: usize,
}

/// How many of these rows with a sender the limits are about.
fn limited<'a>(edges: impl Iterator<Item = &'a (u32, Arc<Sender>)>) -> usize {
    edges.filter(|(detail, _)| *detail != OTHER_DETAIL).count()
}

impl Entry {
    /// Why there is no place for further rows, of families that have `used` and would have so many more; `has_other` is whether
    /// their row `other` exists.
    fn full(&self, limits: Limits, families: &[(usize, usize)], has_other: bool) -> Option<Full> {
        let exceeds = |number: usize, limit: usize| limit != 0 && number > limit;
        let family = families.iter().any(|(used, more)| exceeds(used + more, limits.per_family));
        let more = families.iter().map(|(_, more)| more).sum::<usize>();
        if exceeds(self.rows + more, limits.per_container) && (has_other || !family) {
            return Some(Full::Container);
        }
        family.then_some(Full::Family)
    }
}

impl Rows {
    /// No rows, and no more than these from now on. Some of the calls may have histograms.
    pub(super) fn new(limits: Limits, calls: Calls) -> Self {
        Self { limits, calls, ..Self::default() }
    }

    /// No more rows than these from now on. Those that are there stay.
    pub(super) fn limit(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// The labels have other names from now on: whoever joins gets new rows, whatever its values are.
    pub(super) fn begin_names(&mut self) {
        self.by_labels.clear();
        self.by_name.clear();
    }

    /// The subject with these labels, with one member more. `created` is since when it counts, if it is new.
    pub(super) fn join(&mut self, scope: Scope, labels: Arc<[String]>, created: SystemTime) -> SubjectId {
        let id = *self.by_labels.entry(Arc::clone(&labels)).or_insert_with(|| {
            self.next += 1;
            self.next
        });
        let entry = self.subjects.entry(id).or_insert_with(|| {
            let subject = Subject { scope, labels, created, counts: BTreeMap::new(), edges: BTreeMap::new() };
            Entry { subject: Arc::new(subject), members: 0, rows: 0 }
        });
        if scope == Scope::Container && entry.subject.scope != scope {
            Arc::make_mut(&mut entry.subject).scope = scope;
        }
        entry.members += 1;
        id
    }

    /// One member less. With the last one the rows go, and what they counted is added to `retired`.
    pub(super) fn leave(&mut self, id: SubjectId, retired: &mut PerKind) {
        let Some(Entry { subject, members, rows: _ }) = self.subjects.get_mut(&id) else {
            return;
        };
        *members -= 1;
        if *members > 0 {
            return;
        }
        for ((kind, detail), count) in &subject.counts {
            retired.add(*kind, *count);
            for (kind, series) in series(&self.calls, *kind, *detail) {
                *self.usage.of(kind, Source::Counts) -= series;
            }
        }
        *self.usage.of(Kind::SignalGenerate, Source::Edges) -= limited(subject.edges.keys());
        // Others may have its values by now, under other names.
        if self.by_labels.get(&subject.labels) == Some(&id) {
            self.by_labels.remove(&subject.labels);
        }
        self.subjects.remove(&id);
    }

    /// Whether nothing becomes invisible when a member of a subject leaves: there are others, or it never was visible.
    pub(super) fn can_lose(&self, id: SubjectId) -> bool {
        id == NOWHERE || self.subjects.get(&id).is_some_and(|entry| entry.members > 1)
    }

    pub(super) fn labels(&self, id: SubjectId) -> Arc<[String]> {
        self.subjects.get(&id).map_or_else(|| Arc::from([]), |entry| Arc::clone(&entry.subject.labels))
    }

    /// Adds to a row that is there, or is then there: the limits are not asked.
    pub(super) fn add(&mut self, id: SubjectId, kind: Kind, detail: u32, increment: u64) {
        let Some(Entry { subject, rows, .. }) = self.subjects.get_mut(&id) else {
            return;
        };
        let counts = &mut Arc::make_mut(subject).counts;
        if let Some(count) = counts.get_mut(&(kind, detail)) {
            *count += increment;
            return;
        }
        counts.insert((kind, detail), increment);
        for (kind, series) in series(&self.calls, kind, detail) {
            *rows += series;
            *self.usage.of(kind, Source::Counts) += series;
        }
        let (head_kind, head_detail) = head(kind, detail);
        if (head_kind, head_detail) != (kind, detail) {
            self.add(id, head_kind, head_detail, 0);
        }
    }

    /// The same for a row with a sender.
    pub(super) fn add_edge(&mut self, id: SubjectId, detail: u32, sender: &Arc<Sender>, increment: u64) {
        let Some(Entry { subject, rows, .. }) = self.subjects.get_mut(&id) else {
            return;
        };
        let edges = &mut Arc::make_mut(subject).edges;
        let key = (detail, Arc::clone(sender));
        if let Some(count) = edges.get_mut(&key) {
            *count += increment;
            return;
        }
        edges.insert(key, increment);
        if detail != OTHER_DETAIL {
            *rows += 1;
            *self.usage.of(Kind::SignalGenerate, Source::Edges) += 1;
        }
    }

    /// Why a count may not have the row of its own that it does not have yet.
    pub(super) fn full(&mut self, id: SubjectId, kind: Kind, detail: u32) -> Option<Full> {
        let entry = self.subjects.get(&id)?;
        let counts = &entry.subject.counts;
        let (kind, detail) = head(kind, detail);
        if counts.contains_key(&(kind, detail)) {
            return None;
        }
        let is_of_time = kind == Kind::SyscallTime;
        if let Some(full) = self.refused.get(&(id, detail)).filter(|_| is_of_time) {
            return Some(*full);
        }
        let families =
            series(&self.calls, kind, detail).map(|(kind, more)| (*self.usage.of(kind, Source::Counts), more));
        let full = entry.full(self.limits, &families, counts.contains_key(&(kind, OTHER_DETAIL)));
        if let Some(full) = full.filter(|_| is_of_time) {
            self.refused.insert((id, detail), full);
        }
        full
    }

    /// Another reading begins: there may be room again.
    pub(super) fn begin(&mut self) {
        self.refused.clear();
    }

    /// The same for a row with a sender; `other` is the sender of rows `other`.
    pub(super) fn full_edge(
        &mut self,
        id: SubjectId,
        detail: u32,
        sender: &Arc<Sender>,
        other: &Arc<Sender>,
    ) -> Option<Full> {
        let entry = self.subjects.get(&id)?;
        let edges = &entry.subject.edges;
        if edges.contains_key(&(detail, Arc::clone(sender))) {
            return None;
        }
        let used = *self.usage.of(Kind::SignalGenerate, Source::Edges);
        entry.full(self.limits, &[(used, 1)], edges.contains_key(&(OTHER_DETAIL, Arc::clone(other))))
    }

    /// The row of starts and stops of containers named so, with one member more.
    pub(super) fn join_lifecycle(
        &mut self,
        identity: &Identity,
        runtime: Runtime,
        extra: Arc<[String]>,
        created: SystemTime,
    ) -> usize {
        let Identity { namespace, pod, container, .. } = identity;
        let name = (namespace.clone(), pod.clone(), container.clone(), runtime, Arc::clone(&extra));
        let id = *self.by_name.entry(name).or_insert_with(|| {
            self.next += 1;
            self.next
        });
        let (_, members) = self.lifecycles.entry(id).or_insert_with(|| {
            let (namespace, pod, container) = (namespace.clone(), pod.clone(), container.clone());
            (Arc::new(Lifecycle { namespace, pod, container, runtime, extra, created, starts: 0, stops: 0 }), 0)
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
        let Lifecycle { namespace, pod, container, runtime, extra, .. } = row.as_ref();
        let name = (namespace.clone(), pod.clone(), container.clone(), *runtime, Arc::clone(extra));
        if self.by_name.get(&name) == Some(&id) {
            self.by_name.remove(&name);
        }
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
        for Entry { subject, rows, .. } in self.subjects.values_mut() {
            if subject.edges.keys().any(|(_, sender)| dead.contains(sender)) {
                let gone = limited(subject.edges.keys().filter(|(_, sender)| dead.contains(sender)));
                Arc::make_mut(subject).edges.retain(|(_, sender), _| !dead.contains(sender));
                *rows -= gone;
                *self.usage.of(Kind::SignalGenerate, Source::Edges) -= gone;
            }
        }
    }

    pub(super) fn subjects(&self) -> Vec<Arc<Subject>> {
        self.subjects.values().map(|entry| Arc::clone(&entry.subject)).collect()
    }

    pub(super) fn lifecycles(&self) -> Vec<Arc<Lifecycle>> {
        self.lifecycles.values().map(|(row, _)| Arc::clone(row)).collect()
    }
}
