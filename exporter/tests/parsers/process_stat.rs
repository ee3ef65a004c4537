//! `/proc/PID/stat`, in which a process has the name that it likes.

use std::time::{Duration, SystemTime};

use crate::state;

/// What must hold whatever the file says.
pub(crate) fn check(bytes: &[u8]) {
    let up = Duration::from_secs(1000);
    let machine = state::machine(&[
        ("proc/uptime", format!("{} 1.00\n", up.as_secs()).as_bytes()),
        ("proc/7/stat", bytes),
        ("cgroup/a/cgroup.procs", b"7\n"),
    ]);
    let boot = SystemTime::UNIX_EPOCH + up;
    let started = machine.first_process("/a", boot + up);
    assert!(started.is_none_or(|started| started >= boot), "nothing starts before the machine: {started:?}");
}
