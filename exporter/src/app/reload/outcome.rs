//! What became of the configuration when it was last read, for whoever scrapes.

use std::{
    sync::{Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use crate::export::Reloaded;

/// What became of the configuration when it was last read.
#[derive(Debug)]
pub(in super::super) struct Outcome(Mutex<Reloaded>);

impl Outcome {
    /// It was taken over by the start.
    pub(in super::super) fn begun() -> Self {
        Self(Mutex::new(Reloaded { is_successful: true, succeeded: now() }))
    }

    /// What it is.
    pub(in super::super) fn get(&self) -> Reloaded {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It was read again, and taken over or not.
    pub(super) fn set(&self, is_successful: bool) {
        let mut reloaded = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reloaded.is_successful = is_successful;
        if is_successful {
            reloaded.succeeded = now();
        }
    }
}

fn now() -> std::time::Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
