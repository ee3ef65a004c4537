//! What the kernel knows of owners: of each cgroup the rules whose condition on the owner holds.

use std::sync::{Arc, Mutex, PoisonError};

use aya::maps::{Map, MapError};

use super::words::Words;
use crate::{
    filter::kernel::KernelFilter,
    identity::{
        CgroupId,
        registry::{Known, Watcher},
    },
};

/// How many cgroups have a verdict, at most. All events of the others pass, as do those of cgroups whose owner is not known.
pub(super) const VERDICTS: u32 = 65536;

/// Keeps the map of verdicts up to what is known of owners. Without a verdict the events of a cgroup pass, and are filtered later.
#[derive(Debug)]
pub struct Verdicts {
    filter: Arc<Mutex<KernelFilter>>,
    words: Words,
}

impl Verdicts {
    /// Those by a filter that may change. Then all cgroups must be told of again, and gates be open until that is done.
    pub(super) fn new(filter: Arc<Mutex<KernelFilter>>, map: Map) -> Result<Self, MapError> {
        Ok(Self { filter, words: Words::new("VERDICTS", map)? })
    }
}

impl Watcher for Verdicts {
    fn changed(&self, cgroup: CgroupId, known: Option<&Known>) {
        // Held until the word is there, so that none by an older filter comes after it.
        let filter = self.filter.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_some() && !filter.asks_owner() {
            return;
        }
        let verdict = known.filter(|known| known.is_settled).map(|known| filter.verdict(cgroup, known));
        self.words.put(cgroup, verdict);
    }
}
