//! Follows a runtime for ever: a session until it fails, a pause, the next session.

use std::{
    convert::Infallible,
    error::Error as _,
    hash::{BuildHasher as _, RandomState},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{runtime::Handle, task::JoinHandle};

use super::{Heard, SocketError};

const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(10);

/// How to talk with one kind of runtime.
pub(super) trait Peer: Send + Sync + 'static {
    /// Connects, tells `heard` what is there, calls [`Heard::up`], and goes on telling what changes. Ends when the runtime
    /// does not answer as it should. May be dropped at any time.
    fn session(&self, heard: &Heard) -> impl Future<Output = Result<Infallible, SocketError>> + Send;
}

/// A task that ends when this is dropped.
#[derive(Debug)]
pub(super) struct Task(JoinHandle<()>);

impl Task {
    /// Starts a task on the runtime that this is called on.
    pub(super) fn spawn(work: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Starts to follow the runtime behind `socket`, which is used for messages only.
pub(super) fn supervise(runtime: &Handle, socket: PathBuf, heard: Arc<Heard>, peer: impl Peer) -> Task {
    Task(runtime.spawn(async move {
        let mut pauses = Pauses::default();
        let mut said: Option<Instant> = None;
        loop {
            let begun = Instant::now();
            let Err(error) = peer.session(&heard).await;
            heard.failed(&error);
            // What stays down is said once, what comes and goes not too often.
            let is_new = heard.down() || said.is_none();
            if is_new && said.is_none_or(|said| said.elapsed() >= LONGEST) {
                said = Some(Instant::now());
                tracing::warn!(socket = %socket.display(), cause = error.source(), "a runtime does not answer: {error}");
            } else {
                tracing::debug!(socket = %socket.display(), cause = error.source(), "a runtime does not answer: {error}");
            }
            drop(error);
            let random = RandomState::new().hash_one(0);
            tokio::time::sleep(pauses.next(begun.elapsed(), random)).await;
        }
    }))
}

/// Pauses between sessions: each twice the one before, until a session lasts.
#[derive(Debug)]
struct Pauses(Duration);

impl Default for Pauses {
    fn default() -> Self {
        Self(SHORTEST)
    }
}

impl Pauses {
    /// The pause after a session that lasted so long: at least half of what is due, so that not all come at once.
    fn next(&mut self, lasted: Duration, random: u64) -> Duration {
        // A session that ends at once must not be repeated without a pause, also when it was up for a moment.
        if lasted >= LONGEST {
            *self = Self::default();
        }
        let due = self.0;
        self.0 = (due * 2).min(LONGEST);
        due / 2 + due.mul_f64((random >> 11) as f64 / (1u64 << 53) as f64 / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_are_bounded() {
        let mut pauses = Pauses::default();
        let millis = |pauses: &mut Pauses| pauses.next(Duration::ZERO, u64::MAX).as_millis();
        let grown: Vec<_> = (0..9).map(|_| millis(&mut pauses)).collect();
        assert_eq!(grown, [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
        assert_eq!(pauses.next(Duration::ZERO, 0), LONGEST / 2);
    }

    #[test]
    fn a_session_that_lasts_makes_the_next_pause_short() {
        let mut pauses = Pauses(LONGEST);
        assert_eq!(pauses.next(LONGEST, 0), SHORTEST / 2);
        assert_eq!(pauses.next(Duration::ZERO, 0), SHORTEST);
    }
}
