//! When a container started that was there before anybody watched: the start of its first process.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use procfs::FromRead;

/// Processes that are looked at; the first process of a container is nearly always among the first listed.
const PROCESSES: usize = 1024;
/// Cgroups that are looked into: some runtimes and every init system keep processes in nested cgroups only.
const CGROUPS: usize = 64;

/// The machine's clocks: what turns a process's start into a time of day.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    boot: SystemTime,
    ticks_per_second: u64,
}

impl Clock {
    /// Reads the time of boot from `uptime` of the proc file system at `proc`.
    pub(super) fn read(proc: &Path, now: SystemTime) -> Option<Self> {
        let uptime = procfs::Uptime::from_file(proc.join("uptime")).ok()?;
        let boot = now.checked_sub(Duration::try_from_secs_f64(uptime.uptime).ok()?)?;
        Some(Self { boot, ticks_per_second: procfs::ticks_per_second() })
    }

    fn time(self, ticks: u64) -> Option<SystemTime> {
        let nanos = u128::from(ticks) * 1_000_000_000 / u128::from(self.ticks_per_second.max(1));
        self.boot.checked_add(Duration::from_nanos(u64::try_from(nanos).ok()?))
    }
}

/// A process, and its start in ticks since boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct First {
    ticks: u64,
    pub(super) pid: u32,
}

/// The start of the earliest process in the cgroup at `directory`, or in those nested in it if it has none itself.
pub(super) fn earliest(directory: &Path, proc: &Path, clock: Clock) -> Option<SystemTime> {
    clock.time(first(directory, proc)?.ticks)
}

/// That process.
pub(super) fn first(directory: &Path, proc: &Path) -> Option<First> {
    let mut level = vec![directory.to_owned()];
    let mut left = CGROUPS;
    while !level.is_empty() && left > 0 {
        level.truncate(left);
        left -= level.len();
        let pids = level.iter().flat_map(|directory| pids(directory)).take(PROCESSES);
        if let Some(first) = pids.filter_map(|pid| Some(First { ticks: start(proc, pid)?, pid })).min() {
            return Some(first);
        }
        level = level.iter().flat_map(|directory| children(directory)).collect();
    }
    None
}

fn pids(directory: &Path) -> Vec<u32> {
    let text = fs::read_to_string(directory.join("cgroup.procs")).unwrap_or_default();
    // 0 stands for a process that this pid namespace does not see.
    text.lines().filter_map(|line| line.parse().ok()).filter(|pid| *pid != 0).collect()
}

fn children(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let directories = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    directories.map(|entry| entry.path()).take(CGROUPS).collect()
}

/// The start of a process in ticks since boot.
fn start(proc: &Path, pid: u32) -> Option<u64> {
    let stat = fs::read(proc.join(pid.to_string()).join("stat")).ok()?;
    let stat = String::from_utf8_lossy(&stat);
    // proc_pid_stat(5): the second field is the name that the process likes, in parentheses; the start is the 22nd.
    let (_, behind_the_name) = stat.rsplit_once(") ")?;
    behind_the_name.split(' ').nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOCK: Clock = Clock { boot: SystemTime::UNIX_EPOCH, ticks_per_second: 100 };

    /// A proc file system with processes that started at these ticks.
    fn proc(processes: &[(u32, u64)]) -> tempfile::TempDir {
        let proc = tempfile::tempdir().expect("a directory");
        for (pid, ticks) in processes {
            let directory = proc.path().join(pid.to_string());
            fs::create_dir(&directory).expect("a directory");
            let text = format!(
                "{pid} (a ) b) S 1 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 {ticks} 1 2 18446744073709551615 1 1 1 1 1 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
            );
            fs::write(directory.join("stat"), text).expect("a file");
        }
        fs::write(proc.path().join("uptime"), "1000.25 1.00\n").expect("a file");
        proc
    }

    fn seconds(seconds: u64) -> Option<SystemTime> {
        Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
    }

    #[test]
    fn takes_the_earliest_process() {
        let proc = proc(&[(10, 700), (11, 300), (12, 900)]);
        let cgroup = tempfile::tempdir().expect("a directory");
        fs::write(cgroup.path().join("cgroup.procs"), "0\n12\n11\n10\n999\nx\n").expect("a file");
        assert_eq!(first(cgroup.path(), proc.path()), Some(First { ticks: 300, pid: 11 }));
        assert_eq!(earliest(cgroup.path(), proc.path(), CLOCK), seconds(3));
    }

    #[test]
    fn looks_into_nested_cgroups_only_for_want_of_processes() {
        let proc = proc(&[(10, 700), (11, 300)]);
        let cgroup = tempfile::tempdir().expect("a directory");
        fs::create_dir_all(cgroup.path().join("a/b")).expect("a directory");
        assert_eq!(earliest(cgroup.path(), proc.path(), CLOCK), None);
        fs::write(cgroup.path().join("a/b/cgroup.procs"), "11\n").expect("a file");
        assert_eq!(earliest(cgroup.path(), proc.path(), CLOCK), seconds(3));
        fs::write(cgroup.path().join("cgroup.procs"), "10\n").expect("a file");
        assert_eq!(earliest(cgroup.path(), proc.path(), CLOCK), seconds(7));
    }

    #[test]
    fn reads_the_time_of_boot() {
        let proc = proc(&[]);
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(5_000);
        let clock = Clock::read(proc.path(), now).expect("a clock");
        assert_eq!(clock.boot, now - Duration::from_millis(1_000_250));
        assert!(Clock::read(Path::new("/nonexistent"), now).is_none());
    }

    #[test]
    fn survives_a_start_beyond_time() {
        assert_eq!(CLOCK.time(u64::MAX), None);
    }
}
