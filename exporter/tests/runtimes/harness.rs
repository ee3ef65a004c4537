//! What the tests share: a source, the thread that follows its runtime, and what the collector would do with both.

use std::{
    os::fd::OwnedFd,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use doubleslit::identity::{
    Runtime,
    facts::Facts,
    failures::{Failures, Reason},
    sockets::{Setting, SocketSource},
    source::{Source as _, Wanted},
};
use doubleslit_testbed::wait;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

/// A source that follows a socket.
pub(crate) struct Follower {
    pub(crate) source: SocketSource,
    wake: Arc<OwnedFd>,
    failures: Arc<Failures>,
    _runtime: tokio::runtime::Runtime,
}

impl Follower {
    /// Follows a socket.
    pub(crate) fn start(follow: fn(PathBuf, Setting) -> SocketSource, socket: PathBuf) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a thread can be started");
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).expect("an eventfd can be made");
        let (wake, failures) = (Arc::new(wake), Arc::new(Failures::default()));
        let setting =
            Setting { runtime: runtime.handle().clone(), wake: Arc::clone(&wake), failures: Arc::clone(&failures) };
        Self { source: follow(socket, setting), wake, failures, _runtime: runtime }
    }

    /// The same, and waits until the runtime answers.
    pub(crate) fn up(follow: fn(PathBuf, Setting) -> SocketSource, socket: PathBuf) -> Self {
        let follower = Self::start(follow, socket);
        follower.await_up(true);
        follower
    }

    /// Waits until the runtime answers, or does not.
    pub(crate) fn await_up(&self, up: bool) {
        wait::until("the source sees whether the runtime answers", || (self.source.is_up() == Some(up)).then_some(()));
    }

    /// What the source tells of a container now. Panics when it tells nothing.
    pub(crate) fn tell(&self, id: &str) -> Facts {
        self.try_tell(id).unwrap_or_else(|| panic!("nothing is told of {id}"))
    }

    /// What the source tells of a container of containerd's now.
    pub(crate) fn try_tell(&self, id: &str) -> Option<Facts> {
        let start = Instant::now();
        let told = self.source.tell(&Wanted {
            runtime: Some(Runtime::Containerd),
            id,
            cgroup: "/some",
            since: Instant::now(),
        });
        assert!(start.elapsed() < Duration::from_millis(100), "telling never waits: {:?}", start.elapsed());
        told.ok().flatten()
    }

    /// Asks for a container, and waits to be woken up for news of it until they fit.
    pub(crate) fn await_facts(&mut self, id: &str, fit: impl Fn(&Facts) -> bool) -> Facts {
        let start = Instant::now();
        loop {
            if let Some(facts) = self.try_tell(id).filter(&fit) {
                return facts;
            }
            self.await_news(id, start);
        }
    }

    fn await_news(&mut self, id: &str, start: Instant) {
        while !self.source.news().iter().any(|news| news == id) {
            let left = wait::PATIENCE.saturating_sub(start.elapsed());
            assert!(!left.is_zero(), "waited in vain for news of {id}; last told: {:?}", self.try_tell(id));
            let left = Timespec::try_from(left).expect("it is short");
            poll(&mut [PollFd::new(&*self.wake, PollFlags::IN)], Some(&left)).expect("an eventfd can be polled");
            // Nothing is there to be read when the time is over.
            let _ = rustix::io::read(&*self.wake, &mut [0; 8]);
        }
    }

    /// How often the source failed because of this.
    pub(crate) fn failures(&self, reason: Reason) -> u64 {
        self.failures.get(self.source.name(), reason)
    }
}

/// Whether a time is in the last minute.
pub(crate) fn is_recent(time: Option<SystemTime>) -> bool {
    let age = time.and_then(|time| SystemTime::now().duration_since(time).ok());
    age.is_some_and(|age| age < Duration::from_secs(60))
}
