//! What the kernel says of a process's memory.

use std::fs;

/// Bytes, by the name of a line of `/proc/PID/status`, such as `VmHWM`. Panics when there is no such process or line.
#[must_use]
pub fn bytes(pid: i32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let line = line.unwrap_or_else(|| panic!("no {name}:\n{status}"));
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") << 10
}
