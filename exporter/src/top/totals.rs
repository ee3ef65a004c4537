//! What a snapshot has counted, added up to rows.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use doubleslit_common::kind::Kind;

use super::{
    View,
    board::{Owner, What},
};
use crate::{counts::snapshot::Snapshot, identity::Scope, probes::syscall};

/// What tells owners apart: a container's id alone, because its names may come later; else the names.
pub(super) type OwnerKey = [String; 4];

/// Counts since the start of counting.
#[derive(Debug, Default)]
pub(super) struct Totals {
    /// Who the owners are, as far as it is known now.
    pub(super) owners: HashMap<OwnerKey, Arc<Owner>>,
    /// Their counts.
    pub(super) counts: BTreeMap<(OwnerKey, What), u64>,
}

impl Totals {
    /// The counts of a snapshot whose rows have [`LABELS`](super::LABELS).
    pub(super) fn of(view: View, snapshot: &Snapshot) -> Self {
        let mut totals = Self::default();
        for subject in &snapshot.subjects {
            let key = totals.own(subject.scope, &subject.labels);
            for ((kind, detail), count) in &subject.counts {
                totals.add(&key, what(view, *kind, *detail), *count);
            }
        }
        for row in &snapshot.lifecycles {
            let names = [&row.namespace, &row.pod, &row.container].map(Clone::clone);
            let [namespace, pod, container] = names;
            let key = totals.own(Scope::Container, &[namespace, pod, container, String::new()]);
            for (kind, count) in [(Kind::ContainerStart, row.starts), (Kind::ContainerStop, row.stops)] {
                totals.add(&key, what(view, kind, 0), count);
            }
        }
        totals
    }

    /// The key of an owner. What is learned later of it is in later rows.
    fn own(&mut self, scope: Scope, labels: &[String]) -> OwnerKey {
        let label = |at: usize| labels.get(at).cloned().unwrap_or_default();
        let [namespace, pod, container, container_id] = std::array::from_fn(label);
        let owner = Owner { scope, namespace, pod, container, container_id };
        let key = owner.key();
        self.owners.insert(key.clone(), Arc::new(owner));
        key
    }

    fn add(&mut self, key: &OwnerKey, what: Option<What>, count: u64) {
        if let Some(what) = what.filter(|_| count > 0) {
            *self.counts.entry((key.clone(), what)).or_default() += count;
        }
    }
}

/// The row of a count; nothing for what is not shown.
fn what(view: View, kind: Kind, detail: u32) -> Option<What> {
    match view {
        View::Events if kind == Kind::Syscall => None,
        View::Events => Some(What { name: kind.name(), errno: "" }),
        View::Calls if kind == Kind::Syscall => {
            let [name, errno, ..] = syscall::values(detail)?;
            Some(What { name, errno })
        }
        View::Calls => None,
    }
}
