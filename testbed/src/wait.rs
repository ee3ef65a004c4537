//! Waiting for what will happen.

use std::{
    thread,
    time::{Duration, Instant},
};

/// How long anything may take.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Tries again and again until there is a result. Panics when none comes in [`PATIENCE`].
pub fn until<T>(what: &str, attempt: impl FnMut() -> Option<T>) -> T {
    within(PATIENCE, what, attempt)
}

/// Tries again and again until there is a result. Panics when none comes in time.
pub fn within<T>(time: Duration, what: &str, attempt: impl FnMut() -> Option<T>) -> T {
    attempted(time, attempt).unwrap_or_else(|| panic!("waited {time:?} in vain: {what}"))
}

/// Tries again and again until there is a result, or the time is over.
pub fn attempted<T>(time: Duration, mut attempt: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        if let Some(result) = attempt() {
            return Some(result);
        }
        if start.elapsed() >= time {
            return None;
        }
        thread::sleep(Duration::from_millis(2));
    }
}
