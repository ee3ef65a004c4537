//! What the exporter takes from itself: that it is gone on every thread, and that everything still works.

mod capabilities;
mod features;
mod refused;

use std::fs;

use doubleslit_testbed::{exporter::Exporter, inject, scrape::Scrape};

/// The layers that every kernel of today has.
const LAYERS: [&str; 4] = ["capabilities", "landlock", "no_new_privs", "seccomp"];

/// A line of `/proc/PID/status` of each thread of a process, which must be the same for all.
fn status(pid: i32, line: &str) -> String {
    let read = |thread: i32| {
        let status = fs::read_to_string(format!("/proc/{pid}/task/{thread}/status")).expect("the thread is there");
        let found = status.lines().find_map(|found| found.strip_prefix(line)?.strip_prefix(':'));
        found.expect("a line").trim().to_owned()
    };
    let mut all: Vec<_> = inject::threads(pid).into_iter().map(read).collect();
    all.dedup();
    assert_eq!(all.len(), 1, "{line}: {all:?}");
    all.remove(0)
}

/// A set of capabilities of all threads of a process, by the line of `/proc/PID/status`.
fn set(pid: i32, line: &str) -> u64 {
    u64::from_str_radix(&status(pid, line), 16).expect("a hexadecimal number")
}

/// The helper of an exporter, if it has one.
fn helper(exporter: &Exporter) -> Option<i32> {
    let children = inject::children(exporter.pid());
    assert!(children.len() <= 1, "{children:?}");
    children.first().copied()
}

/// The layers that an exporter says are there.
fn layers(scrape: &Scrape) -> Vec<&str> {
    let rows = scrape.matching("doubleslit_sandbox_active", &[]).filter(|(_, value)| *value == 1.0);
    let mut layers: Vec<_> = rows.map(|(series, _)| series.labels["layer"].as_str()).collect();
    layers.sort_unstable();
    layers
}
