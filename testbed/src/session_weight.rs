//! The weight of a session at the CPUs (`sched(7)`, autogroup).

use std::fs;

/// The session of this process, and so of what it starts.
const OWN: &str = "/proc/self/autogroup";

/// About ten times the usual weight for the session of this process, as a service manager or an engine gives one to a
/// service. Dropping it gives the usual one back. A kernel without weights of sessions is left alone.
#[derive(Debug)]
pub struct SessionWeight(());

impl SessionWeight {
    /// Gives it.
    #[must_use]
    pub fn tenfold() -> Self {
        // Each step of niceness is a quarter more.
        set(-10);
        Self(())
    }
}

impl Drop for SessionWeight {
    fn drop(&mut self) {
        set(0);
    }
}

fn set(nice: i32) {
    if fs::exists(OWN).unwrap_or(false) {
        fs::write(OWN, nice.to_string()).unwrap_or_else(|error| panic!("cannot write {OWN}: {error}"));
    }
}
