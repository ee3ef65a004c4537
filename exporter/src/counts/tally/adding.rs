//! Where an increment lands: in its own row, or in a row `other` where the limits leave no place for a new one.

use std::{sync::Arc, time::SystemTime};

use doubleslit_common::kind::Kind;

use super::Tally;
use crate::{
    counts::{
        limits::{Full, without_row},
        rows::{NOWHERE, SubjectId},
        snapshot::{Folded, Sender},
    },
    identity::{CgroupId, Identity, Scope},
    probes::{self, OTHER_DETAIL, Source},
};

impl Tally {
    /// Adds an increment whose owner and detail are not known to the row `other`.
    pub(super) fn count_for_other(&mut self, kind: Kind, reason: &'static str, increment: u64) {
        let other = self.other();
        self.rows.add(other, kind, OTHER_DETAIL, increment);
        self.counted.add(kind, increment);
        if kind == Kind::SignalGenerate {
            let unknown = Arc::clone(&self.unknown);
            self.rows.add_edge(other, OTHER_DETAIL, &unknown, increment);
        }
        self.fold(kind, Source::Counts, reason, increment);
    }

    /// Adds an increment to the row that it belongs to.
    pub(super) fn count(&mut self, id: CgroupId, kind: Kind, detail: u32, increment: u64) {
        let Some(owner) = self.owners.get_mut(&id) else {
            return;
        };
        owner.active = self.now;
        let (subject, unresolved) = (owner.subject, owner.unresolved);
        // What the kernel counted before it knew whose it is.
        let is_left_out = owner.without_calls && kind.is_of_syscalls();
        match kind {
            Kind::ContainerStart | Kind::ContainerStop => {
                let Some(lifecycle) = owner.lifecycle else {
                    return;
                };
                self.rows.add_lifecycle(lifecycle, kind, increment);
            }
            _ if is_left_out => {}
            _ => self.add(subject, kind, detail, increment),
        }
        self.counted.add(kind, increment);
        if subject == NOWHERE || is_left_out {
            self.retired.add(kind, increment);
        }
        if subject == NOWHERE {
            self.ignored.add(kind, increment);
        }
        if unresolved {
            self.fold(kind, Source::Counts, "unresolved", increment);
        }
    }

    pub(super) fn fold(&mut self, kind: Kind, source: Source, reason: &'static str, increment: u64) {
        let family = probes::all_families().find(|family| family.kind == kind && family.source == source);
        let Some(metric) = family.map(|family| family.name) else {
            return;
        };
        match self.folded.iter_mut().find(|folded| (folded.metric, folded.reason) == (metric, reason)) {
            Some(folded) => folded.count += increment,
            None => self.folded.push(Folded { metric, reason, count: increment }),
        }
    }

    /// Adds to a row of a subject.
    fn add(&mut self, subject: SubjectId, kind: Kind, detail: u32, increment: u64) {
        match self.rows.full(subject, kind, detail) {
            None => self.rows.add(subject, kind, detail, increment),
            Some(full) => {
                let subject = self.place_left(subject, full);
                self.rows.add(subject, kind, without_row(kind, detail), increment);
                self.fold(kind, Source::Counts, full.reason(), increment);
            }
        }
    }

    /// Adds to a row of a subject that tells who sent a signal.
    pub(super) fn add_edge(&mut self, subject: SubjectId, detail: u32, sender: &Arc<Sender>, increment: u64) {
        if subject == NOWHERE {
            return;
        }
        match self.rows.full_edge(subject, detail, sender, &self.others) {
            None => self.rows.add_edge(subject, detail, sender, increment),
            Some(full) => {
                let subject = self.place_left(subject, full);
                self.rows.add_edge(subject, OTHER_DETAIL, &self.others, increment);
                self.fold(Kind::SignalGenerate, Source::Edges, full.reason(), increment);
            }
        }
    }

    /// The row `other`, with one member more.
    pub(super) fn join_other(&mut self) -> (SubjectId, Identity) {
        let identity = Identity { scope: Scope::Other, container: "other".to_owned(), ..Identity::default() };
        (self.rows.join(Scope::Other, self.labels.values(&identity), SystemTime::now()), identity)
    }

    /// The row `other`, which stays from now on.
    pub(super) fn other(&mut self) -> SubjectId {
        let other = match self.other {
            Some(other) => other,
            None => self.join_other().0,
        };
        self.other = Some(other);
        other
    }

    /// Whose row `other` takes what `subject` cannot.
    fn place_left(&mut self, subject: SubjectId, full: Full) -> SubjectId {
        match full {
            Full::Container => subject,
            Full::Family => self.other(),
        }
    }
}
