//! The weight of a session at the CPUs (`sched(7)`, autogroup).

use std::fs;

use rustix::process::setpriority_process;

/// The session of this process, and so of what it starts.
const OWN: &str = "/proc/self/autogroup";

/// About ten times the usual weight for what this thread starts from now on, as a service manager or an engine gives one to a
/// service. Dropping it gives the usual one back.
///
/// Where the kernel weighs sessions, it is the session's, and so this process's too. The session of the first process is not
/// weighed (`sched_group_set_shares` refuses the root group, kernel/sched/fair.c): there each process has a weight of its own.
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
    // It is empty where the session is not weighed.
    let is_weighed = fs::read_to_string(OWN).is_ok_and(|session| !session.is_empty());
    if is_weighed {
        fs::write(OWN, nice.to_string()).unwrap_or_else(|error| panic!("cannot write {OWN}: {error}"));
    } else {
        setpriority_process(None, nice).unwrap_or_else(|error| panic!("cannot give the niceness {nice}: {error}"));
    }
}
