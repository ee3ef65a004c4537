//! The clock by which the kernel dates what it tells.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The time since the machine was started, sleep included (`CLOCK_BOOTTIME`).
pub(crate) fn since_boot() -> Duration {
    let time = clock_gettime(ClockId::Boottime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}
