//! The metrics that every process exposes.

use std::fmt;

use procfs::{ProcResult, WithCurrentSystemInfo, process::LimitValue};

use super::{own, rows::Out};

/// What the kernel knows of this process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Process {
    /// User and system time, in seconds.
    pub cpu_seconds: f64,
    /// Open file descriptors.
    pub open_fds: u64,
    /// How many may be open; nothing for no limit.
    pub max_fds: Option<u64>,
    /// Virtual memory.
    pub virtual_bytes: u64,
    /// Resident memory.
    pub resident_bytes: u64,
    /// Start, in seconds since the epoch.
    pub start_seconds: f64,
}

impl Process {
    /// Reads it; nothing where `/proc` cannot be read.
    #[must_use]
    pub fn read() -> Option<Self> {
        Self::try_read().ok()
    }

    fn try_read() -> ProcResult<Self> {
        let process = procfs::process::Process::myself()?;
        let stat = process.stat()?;
        let ticks = procfs::ticks_per_second() as f64;
        Ok(Self {
            cpu_seconds: (stat.utime + stat.stime) as f64 / ticks,
            open_fds: process.fd_count()? as u64,
            max_fds: match process.limits()?.max_open_files.soft_limit {
                LimitValue::Value(limit) => Some(limit),
                LimitValue::Unlimited => None,
            },
            virtual_bytes: stat.vsize,
            resident_bytes: stat.rss_bytes().get(),
            start_seconds: procfs::boot_time_secs()? as f64 + stat.starttime as f64 / ticks,
        })
    }
}

pub(super) fn write(out: &mut Out<'_>, process: &Process) -> fmt::Result {
    let Process { cpu_seconds, open_fds, max_fds, virtual_bytes, resident_bytes, start_seconds } = process;
    out.single(&own::PROCESS_CPU, *cpu_seconds)?;
    out.single(&own::PROCESS_OPEN_FDS, *open_fds)?;
    if let Some(limit) = max_fds {
        out.single(&own::PROCESS_MAX_FDS, *limit)?;
    }
    out.single(&own::PROCESS_VIRTUAL_MEMORY, *virtual_bytes)?;
    out.single(&own::PROCESS_RESIDENT_MEMORY, *resident_bytes)?;
    out.single(&own::PROCESS_START_TIME, *start_seconds)
}
