//! Whose system calls the kernel leaves out: the map `LEFT_OUT`.

use aya::maps::{Map, MapError};

use super::words::Words;
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
    words: Words,
}

impl LeftOut {
    /// Nobody is left out yet, whoever was so far.
    pub(super) fn new(owners: Owners, map: Map) -> Result<Self, MapError> {
        let words = Words::new("LEFT_OUT", map)?;
        words.clear()?;
        Ok(Self { owners, words })
    }
}

impl Watcher for LeftOut {
    fn changed(&self, cgroup: CgroupId, known: Option<&Known>) {
        let is_left_out =
            known.is_some_and(|known| known.is_settled && !self.owners.wants(cgroup, &known.path, &known.identity));
        self.words.put(cgroup, is_left_out.then_some(1));
    }
}
