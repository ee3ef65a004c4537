//! The kernel's own statistics of programs, as procfs tells them of a process's file descriptors.

use std::{fs, io, path::PathBuf};

/// What the kernel measured of one program, or of several together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct RunTime {
    /// How often it ran.
    pub(super) runs: u64,
    /// Nanoseconds in these runs.
    pub(super) nanoseconds: u64,
}

impl RunTime {
    /// What came since an earlier time.
    pub(super) fn since(self, earlier: Self) -> Self {
        Self { runs: self.runs - earlier.runs, nanoseconds: self.nanoseconds - earlier.nanoseconds }
    }

    /// Nanoseconds per run; not a number when there was none.
    pub(super) fn each(self) -> f64 {
        self.nanoseconds as f64 / self.runs as f64
    }
}

/// The programs that a process holds: the number of each, and what the kernel measured of it.
pub(super) fn of_process(pid: u32) -> io::Result<Vec<(u32, RunTime)>> {
    let mut programs = Vec::new();
    for entry in fs::read_dir(PathBuf::from(format!("/proc/{pid}/fdinfo")))? {
        // One that was closed meanwhile.
        let Ok(text) = fs::read_to_string(entry?.path()) else { continue };
        programs.extend(parse(&text));
    }
    programs.sort_by_key(|(id, _)| *id);
    programs.dedup_by_key(|(id, _)| *id);
    Ok(programs)
}

/// All programs that a process holds, taken together.
pub(super) fn total(pid: u32) -> io::Result<RunTime> {
    Ok(of_process(pid)?.into_iter().fold(RunTime::default(), |sum, (_, run_time)| RunTime {
        runs: sum.runs + run_time.runs,
        nanoseconds: sum.nanoseconds + run_time.nanoseconds,
    }))
}

/// One program of this process.
pub(super) fn of_descriptor(descriptor: i32) -> io::Result<RunTime> {
    let text = fs::read_to_string(format!("/proc/self/fdinfo/{descriptor}"))?;
    parse(&text).map(|(_, run_time)| run_time).ok_or_else(|| io::Error::other("the descriptor is no program"))
}

fn parse(text: &str) -> Option<(u32, RunTime)> {
    let number = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
    let id = u32::try_from(number("prog_id:")?).ok()?;
    Some((id, RunTime { runs: number("run_cnt:")?, nanoseconds: number("run_time_ns:")? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors() {
        let text = "pos:\t0\nprog_type:\t26\nprog_jited:\t1\nprog_id:\t182\nrun_time_ns:\t400\nrun_cnt:\t10\n";
        assert_eq!(parse(text), Some((182, RunTime { runs: 10, nanoseconds: 400 })));
        assert_eq!(parse("pos:\t0\nlink_type:\ttracing\n"), None);
        assert_eq!(RunTime { runs: 10, nanoseconds: 400 }.each(), 40.0);
    }
}
