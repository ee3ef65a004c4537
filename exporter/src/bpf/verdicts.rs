//! What the kernel knows of owners: of each cgroup the rules whose condition on the owner holds.

use std::sync::{Mutex, PoisonError};

use aya::maps::{HashMap, MapData, MapError};
use tracing::debug;

use crate::{
    filter::kernel::KernelFilter,
    identity::{
        CgroupId,
        registry::{Known, Watcher},
    },
};

/// How many cgroups have a verdict, at most. All events of the others pass, as do those of cgroups whose owner is not known.
pub(super) const VERDICTS: u32 = 65536;

/// Keeps the map of verdicts up to what is known of owners.
#[derive(Debug)]
pub struct Verdicts {
    filter: KernelFilter,
    map: Mutex<HashMap<MapData, u64, u32>>,
}

impl Verdicts {
    pub(super) fn new(filter: KernelFilter, map: aya::maps::Map) -> Result<Self, MapError> {
        Ok(Self { filter, map: Mutex::new(HashMap::try_from(map)?) })
    }
}

impl Watcher for Verdicts {
    fn changed(&self, cgroup: CgroupId, known: Option<&Known>) {
        let verdict = known.filter(|known| known.is_settled).map(|known| self.filter.verdict(cgroup, known));
        let mut map = self.map.lock().unwrap_or_else(PoisonError::into_inner);
        let result = match verdict {
            Some(verdict) => map.insert(cgroup.0, verdict, 0),
            None => map.remove(&cgroup.0),
        };
        match result {
            // There was none.
            Err(MapError::KeyNotFound | MapError::SyscallError(_)) if verdict.is_none() => {}
            // Without a verdict its events pass, and are filtered later.
            Err(error) => debug!(%error, cgroup = cgroup.0, "no verdict in the kernel"),
            Ok(()) => {}
        }
    }
}
