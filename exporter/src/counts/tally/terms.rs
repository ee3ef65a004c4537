//! What a tally goes by can change while it counts. Nothing that was counted moves: rows go, and others begin.

use std::{
    collections::HashSet,
    mem,
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::{Former, Owner, Tally};
use crate::{
    counts::{limits::Limits, rows::NOWHERE, snapshot::Sender},
    identity::{CgroupId, Identity, Scope, directory::Cgroup, ignore::Ignore, labels::RowLabels},
};

/// What can change while a tally counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// The labels of rows.
    pub labels: RowLabels,
    /// How long rows stay after their cgroups are gone.
    pub grace: Duration,
    /// How many rows there may be.
    pub limits: Limits,
    /// Who has no rows.
    pub ignore: Ignore,
}

impl Tally {
    /// Goes by other terms from `since` on, which is now. With other labels all rows begin anew; with other rules on who is
    /// ignored, the rows of those whom that concerns go or begin. What was counted in rows that go is retired. Rows beyond new
    /// limits stay, and there are no further ones.
    pub fn change(&mut self, terms: Terms, since: SystemTime) {
        let Terms { labels, grace, limits, ignore } = terms;
        self.grace = grace;
        self.rows.limit(limits);
        let is_renamed = labels != *self.labels;
        self.ignore = ignore;
        self.has_ignored |= !self.ignore.0.is_empty();
        if is_renamed {
            self.labels = labels.into();
            self.rows.begin_names();
        }
        let mut concerned: Vec<_> =
            self.owners.iter().filter(|(_, owner)| is_renamed || self.is_misplaced(owner)).map(|(id, _)| *id).collect();
        // In the order in which they came, as far as ids tell.
        concerned.sort_unstable();
        let ids = HashSet::<_>::from_iter(concerned.iter().map(|id| id.0));
        self.containers.retain(|container| !ids.contains(&container.cgroup_id));
        let begun = mem::replace(&mut self.begun, since);
        let mut dead = HashSet::new();
        for id in concerned {
            dead.extend(self.begin_anew(id));
        }
        if is_renamed {
            if let Some(other) = self.other.take() {
                self.other();
                self.rows.leave(other, &mut self.retired);
            }
        } else {
            self.begun = begun;
        }
        self.rows.forget_senders(&dead);
    }

    /// Whether an owner has rows that it should not have, or has none that it should have.
    fn is_misplaced(&self, owner: &Owner) -> bool {
        let is_ignored = |cgroup: &Cgroup| self.ignore.matches(&cgroup.identity);
        owner.cgroup.as_ref().is_some_and(|cgroup| is_ignored(cgroup) != (owner.subject == NOWHERE))
    }

    /// Gives an owner new rows for all that it has. Returns its names as a sender that nobody has any more.
    fn begin_anew(&mut self, id: CgroupId) -> Vec<Arc<Sender>> {
        let Some(mut owner) = self.owners.remove(&id) else {
            return Vec::new();
        };
        // Before it leaves, so that nothing goes that it still has.
        let subject = match &owner.cgroup {
            Some(cgroup) => self.place(cgroup),
            None if owner.unresolved => self.join_other().0,
            None => self.rows.join(Scope::Host, self.labels.values(&Identity::default()), self.begun),
        };
        if let Some(users) = self.senders.get_mut(&owner.sender) {
            *users += 1;
        }
        let names = Former {
            subject: mem::replace(&mut owner.subject, subject),
            lifecycle: owner.lifecycle.take(),
            sender: Arc::clone(&owner.sender),
        };
        let former: Vec<_> = mem::take(&mut owner.former).into_iter().chain([names]).collect();
        let (cgroup, is_removed) = (owner.cgroup.clone(), owner.removed);
        self.owners.insert(id, owner);
        if let Some(cgroup) = cgroup {
            self.show(&cgroup, subject);
            if is_removed {
                self.show_as_gone(id);
            }
        }
        former.into_iter().filter_map(|names| self.leave_names(names)).collect()
    }
}
