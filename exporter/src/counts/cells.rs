//! The last value read of every entry.

use std::{collections::HashMap, hash::Hash};

/// Last values, by key.
#[derive(Debug)]
pub(super) struct Cells<K>(HashMap<K, u64>);

impl<K> Default for Cells<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Copy + Eq + Hash> Cells<K> {
    /// Takes a new value. Returns by how much it is higher than the last one, and whether the key is new.
    pub(super) fn raise(&mut self, key: K, value: u64) -> (u64, bool) {
        match self.0.get_mut(&key) {
            Some(last) => {
                let increment = value.saturating_sub(*last);
                *last = (*last).max(value);
                (increment, false)
            }
            None => {
                self.0.insert(key, value);
                (value, true)
            }
        }
    }

    pub(super) fn contains(&self, key: &K) -> bool {
        self.0.contains_key(key)
    }

    /// The last value, 0 for a key that was never read.
    pub(super) fn get(&self, key: &K) -> u64 {
        self.0.get(key).copied().unwrap_or(0)
    }

    /// Forgets a key: its entry is gone, and a new one starts from 0.
    pub(super) fn forget(&mut self, key: &K) {
        self.0.remove(key);
    }
}
