//! What calls about time are told.

use super::names::{Flags, Named, named};

/// `CLOCK_*` (include/uapi/linux/time.h).
pub(super) static CLOCK: &[Named] = named![
    CLOCK_REALTIME,
    CLOCK_MONOTONIC,
    CLOCK_PROCESS_CPUTIME_ID,
    CLOCK_THREAD_CPUTIME_ID,
    CLOCK_MONOTONIC_RAW,
    CLOCK_REALTIME_COARSE,
    CLOCK_MONOTONIC_COARSE,
    CLOCK_BOOTTIME,
    CLOCK_REALTIME_ALARM,
    CLOCK_BOOTTIME_ALARM,
    CLOCK_TAI,
];

/// `TFD_*` of `timerfd_create` (include/uapi/linux/timerfd.h).
pub(super) static CREATE: Flags = Flags::of(named![TFD_CLOEXEC, TFD_NONBLOCK]);

/// `TFD_*` of `timerfd_settime`.
pub(super) static SET: Flags = Flags::of(named![TFD_TIMER_ABSTIME, TFD_TIMER_CANCEL_ON_SET]);

/// What `clock_nanosleep` is told.
pub(super) static SLEEP: Flags = Flags::of(named![TIMER_ABSTIME]);
