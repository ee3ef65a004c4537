//! How cgroups leave: their entries in the maps first, their rows a grace time later.

use std::{
    collections::HashSet,
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use doubleslit_common::{
    key::{CountKey, EdgeKey},
    kind::Kind,
};

use super::{Former, Owner, Tally};
use crate::{
    counts::{
        rows::NOWHERE,
        snapshot::Sender,
        source::{CountSource, LastEdge},
    },
    identity::CgroupId,
};

/// How long a cgroup that is gone must have counted nothing for its entries to be removed before its release is told. The
/// kernel holds a cgroup back as long as memory is charged to it, which can be for hours.
const QUIET: Duration = Duration::from_secs(30);

impl Tally {
    /// A cgroup is released: no event can follow. Its entries are read one last time and removed from the maps. Its
    /// rows stay for the grace time; without rows of its own it leaves at once.
    ///
    /// # Errors
    ///
    /// When an entry could not be removed; it stays and can be tried again.
    pub fn release(&mut self, id: CgroupId, now: Instant, source: &mut dyn CountSource) -> io::Result<()> {
        self.remove(id, now);
        self.settle(id, source)?;
        let nothing_stays = |owner: &Owner| {
            let has_no_lifecycle = owner.lifecycle.is_none_or(|row| row == NOWHERE);
            has_no_lifecycle && owner.former.is_empty() && self.rows.can_lose(owner.subject)
        };
        if self.owners.get(&id).is_some_and(nothing_stays) {
            let dead_senders = self.leave(id);
            self.rows.forget_senders(&HashSet::from_iter(dead_senders));
        }
        Ok(())
    }

    /// The directory of a cgroup is gone, so that it starts and stops no more. Takes the entries that say how often out of the
    /// maps, and returns them: only who knows its path knows whether they count, and that may be forgotten before the others
    /// leave. They are to be applied once more. An entry that cannot be removed leaves with the others.
    pub fn conclude(&self, id: CgroupId, source: &mut dyn CountSource) -> Vec<(CountKey, u64)> {
        let Some(owner) = self.owners.get(&id) else {
            return Vec::new();
        };
        let keys = [Kind::ContainerStart, Kind::ContainerStop].map(|kind| CountKey::new(id.0, kind, 0));
        let remove = |key: CountKey| {
            let value = source.remove_count(key, owner.counts_for(key.kind())).ok()??;
            Some((key, value))
        };
        keys.into_iter().flatten().filter_map(remove).collect()
    }

    /// Forgets an entry that is gone.
    pub fn forget(&mut self, key: CountKey) {
        self.counts.forget(&key);
        // What settles goes from the end, so that it is found at once.
        if let Some(owner) = self.owners.get_mut(&CgroupId(key.cgroup()))
            && let Some(at) = owner.counts.iter().rposition(|other| *other == key)
        {
            owner.counts.remove(at);
        }
    }

    /// Lets go of cgroups that have been gone for the grace time, and of rows that belong to none any more. Returns them.
    ///
    /// # Errors
    ///
    /// When an entry could not be removed from the maps; its cgroup is tried again next time.
    pub fn retire(&mut self, now: Instant, source: &mut dyn CountSource) -> (Vec<CgroupId>, io::Result<()>) {
        let mut result = self.settle_quiet(now, source);
        let (mut gone, mut dead_senders) = (Vec::new(), HashSet::new());
        while let Some(&(removed, id)) = self.leaving.front()
            && now.saturating_duration_since(removed) >= self.grace
        {
            if let Err(error) = self.settle(id, source) {
                result = Err(error);
                break;
            }
            self.leaving.pop_front();
            if self.owners.contains_key(&id) {
                dead_senders.extend(self.leave(id));
                gone.push(id);
            }
        }
        if !gone.is_empty() {
            let ids = gone.iter().map(|id| id.0).collect::<HashSet<_>>();
            self.containers.retain(|container| !ids.contains(&container.cgroup_id));
            self.rows.forget_senders(&dead_senders);
        }
        (gone, result)
    }

    /// Reads the entries of all cgroups that are gone and removes them, as if nothing could follow. What does is whoever's that
    /// comes after.
    ///
    /// # Errors
    ///
    /// When an entry could not be removed.
    pub fn settle_gone(&mut self, source: &mut dyn CountSource) -> io::Result<()> {
        let gone = self.leaving.iter().map(|(_, id)| *id).collect::<Vec<_>>();
        gone.into_iter().try_for_each(|id| self.settle(id, source))
    }

    fn settle_quiet(&mut self, now: Instant, source: &mut dyn CountSource) -> io::Result<()> {
        let quiet = |owner: &Owner| {
            let has_entries = !owner.counts.is_empty() || !owner.edges.is_empty();
            has_entries && now.saturating_duration_since(owner.active) >= QUIET
        };
        let ids = self.leaving.iter().map(|(_, id)| *id);
        let quiet = ids.filter(|id| self.owners.get(id).is_some_and(quiet)).collect::<Vec<_>>();
        quiet.into_iter().try_for_each(|id| self.settle(id, source))
    }

    /// Takes a cgroup out of all rows that it has or had. Returns its names as a sender that nobody else has.
    fn leave(&mut self, id: CgroupId) -> Vec<Arc<Sender>> {
        let Some(Owner { subject, lifecycle, sender, former, .. }) = self.owners.remove(&id) else {
            return Vec::new();
        };
        let names = former.into_iter().chain([Former { subject, lifecycle, sender }]);
        names.filter_map(|names| self.leave_names(names)).collect()
    }

    pub(super) fn leave_names(&mut self, Former { subject, lifecycle, sender }: Former) -> Option<Arc<Sender>> {
        self.rows.leave(subject, &mut self.retired);
        if let Some(lifecycle) = lifecycle {
            self.rows.leave_lifecycle(lifecycle, &mut self.retired);
        }
        let users = self.senders.get_mut(&sender)?;
        *users -= 1;
        if *users > 0 {
            return None;
        }
        self.senders.remove(&sender);
        Some(sender)
    }

    /// Reads a cgroup's entries one last time and removes them from the maps.
    fn settle(&mut self, id: CgroupId, source: &mut dyn CountSource) -> io::Result<()> {
        while let Some(&key) = self.owners.get(&id).and_then(|owner| owner.counts.last()) {
            let is_counted = self.owners.get(&id).is_some_and(|owner| owner.counts_for(key.kind()));
            if let Some(value) = source.remove_count(key, is_counted)? {
                self.apply_count(key, value);
            }
            self.forget(key);
        }
        while let Some(&key) = self.owners.get(&id).and_then(|owner| owner.edges.iter().next()) {
            let target = CgroupId(key.target.cgroup());
            let target_stays = target != id && self.owners.get(&target).is_some_and(|target| !target.removed);
            let last = source.remove_edge(key, target_stays)?;
            if let Some(LastEdge { value, .. }) = last {
                self.apply_edge(key, value);
            }
            self.edges.forget(&key);
            for party in key.parties().map(CgroupId) {
                if let Some(owner) = self.owners.get_mut(&party) {
                    owner.edges.remove(&key);
                }
            }
            if let Some(LastEdge { value, gone: Some(gone) }) = last {
                self.hand_on(EdgeKey::of_gone(key.target), value, gone);
            }
        }
        Ok(())
    }
}

impl Owner {
    /// Whether what is counted of a kind counts for the totals: a start or stop only where it is a container's.
    fn counts_for(&self, kind: Option<Kind>) -> bool {
        match kind {
            Some(Kind::ContainerStart | Kind::ContainerStop) => {
                self.lifecycle.is_some() || self.former.iter().any(|former| former.lifecycle.is_some())
            }
            Some(_) => true,
            // A kind of another version.
            None => false,
        }
    }
}
