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
pub fn within<T>(time: Duration, what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(result) = attempt() {
            return result;
        }
        assert!(start.elapsed() < time, "waited {time:?} in vain: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}
