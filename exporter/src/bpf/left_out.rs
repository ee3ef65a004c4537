//! Whose system calls the kernel leaves out: the map `LEFT_OUT`.

use std::sync::{Mutex, PoisonError};

use aya::maps::{HashMap, MapData, MapError};
use tracing::debug;

use crate::{
    filter::Owners,
    identity::{
        CgroupId,
        registry::{Known, Watcher},
    },
};

/// Keeps the map up to what is known of owners. The calls of a cgroup that is not in it are counted, so that those who are wanted
/// lose none before they are known; the tally leaves out what was counted of others.
#[derive(Debug)]
pub struct LeftOut {
    owners: Owners,
    map: Mutex<HashMap<MapData, u64, u32>>,
}

impl LeftOut {
    pub(super) fn new(owners: Owners, map: aya::maps::Map) -> Result<Self, MapError> {
        Ok(Self { owners, map: Mutex::new(HashMap::try_from(map)?) })
    }
}

impl Watcher for LeftOut {
    fn changed(&self, cgroup: CgroupId, known: Option<&Known>) {
        let is_left_out =
            known.is_some_and(|known| known.is_settled && !self.owners.wants(cgroup, &known.path, &known.identity));
        let mut map = self.map.lock().unwrap_or_else(PoisonError::into_inner);
        let result = if is_left_out { map.insert(cgroup.0, 1_u32, 0) } else { map.remove(&cgroup.0) };
        match result {
            // It was not there.
            Err(MapError::KeyNotFound | MapError::SyscallError(_)) if !is_left_out => {}
            // The tally leaves it out.
            Err(error) => debug!(%error, cgroup = cgroup.0, "calls are not left out in the kernel"),
            Ok(()) => {}
        }
    }
}
