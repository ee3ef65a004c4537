//! A word for each cgroup, by which programs decide on what they do for it.

use std::sync::{Mutex, PoisonError};

use aya::maps::{HashMap, Map, MapData, MapError};
use tracing::debug;

use crate::identity::CgroupId;

/// A map of such words.
#[derive(Debug)]
pub(super) struct Words {
    name: &'static str,
    map: Mutex<HashMap<MapData, u64, u32>>,
}

impl Words {
    /// Those in the map of this name.
    pub(super) fn new(name: &'static str, map: Map) -> Result<Self, MapError> {
        Ok(Self { name, map: Mutex::new(HashMap::try_from(map)?) })
    }

    /// Takes all of them away.
    pub(super) fn clear(&self) -> Result<(), MapError> {
        let mut map = self.map.lock().unwrap_or_else(PoisonError::into_inner);
        let cgroups = map.keys().collect::<Result<Vec<_>, _>>()?;
        cgroups.iter().try_for_each(|cgroup| map.remove(cgroup))
    }

    /// Says what the word of a cgroup is; nothing takes it away. What does not succeed must do no harm: programs then decide as
    /// without a word, or by an old one, until the cgroup is gone.
    pub(super) fn put(&self, cgroup: CgroupId, word: Option<u32>) {
        let mut map = self.map.lock().unwrap_or_else(PoisonError::into_inner);
        let result = match word {
            Some(word) => map.insert(cgroup.0, word, 0),
            None => map.remove(&cgroup.0),
        };
        match result {
            // There was none.
            Err(MapError::KeyNotFound | MapError::SyscallError(_)) if word.is_none() => {}
            Err(error) => debug!(%error, map = self.name, cgroup = cgroup.0, "the kernel is not told of a cgroup"),
            Ok(()) => {}
        }
    }
}
