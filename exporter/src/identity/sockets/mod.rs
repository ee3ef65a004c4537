//! Sources of names that are sockets of runtimes: what they share.
//!
//! A task follows the runtime ([`supervisor`]) and remembers what it hears ([`heard`]); the source answers from memory and
//! never waits. What fails in the task is counted when it fails.

pub mod containerd;
pub mod cri;
pub mod docker;
mod error;
mod grpc;
mod heard;
mod http;
mod supervisor;

use std::{os::fd::OwnedFd, path::PathBuf, sync::Arc, time::Duration};

use tokio::runtime::Handle;

use super::{
    facts::Facts,
    failures::{Failures, Reason, Source as Name},
    source::{Source, Trouble, Wanted},
};
use error::SocketError;
use heard::{Heard, Told};
use supervisor::{Peer, Task, supervise};

/// How long a request over HTTP may take.
const REQUEST: Duration = Duration::from_secs(1);

/// The size up to which an answer is read, in bytes.
const ANSWER_BYTES: usize = 4 << 20;

/// What every socket source is given.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Where its task runs.
    pub runtime: Handle,
    /// An eventfd that is written when there is news.
    pub wake: Arc<OwnedFd>,
    /// Where failures are counted.
    pub failures: Arc<Failures>,
}

/// A runtime behind a socket. Dropping it ends its task.
#[derive(Debug)]
pub struct SocketSource {
    name: Name,
    heard: Arc<Heard>,
    /// Whether the runtime may know a container that it has not told of.
    asks: fn(&Wanted<'_>) -> bool,
    _task: Task,
}

impl SocketSource {
    /// Starts to follow the runtime behind `socket`.
    fn start(name: Name, socket: PathBuf, setting: Setting, asks: fn(&Wanted<'_>) -> bool, peer: impl Peer) -> Self {
        let Setting { runtime, wake, failures } = setting;
        let heard = Arc::new(Heard::new(name, failures, wake));
        let task = supervise(&runtime, socket, Arc::clone(&heard), peer);
        Self { name, heard, asks, _task: task }
    }
}

impl Source for SocketSource {
    fn name(&self) -> Name {
        self.name
    }

    fn tell(&self, wanted: &Wanted<'_>) -> Result<Option<Facts>, Trouble> {
        match self.heard.tell(wanted.id, (self.asks)(wanted)) {
            Told::Facts(facts) => Ok(Some(*facts)),
            Told::Nothing => Ok(None),
            Told::Asked if self.heard.is_up() => Err(trouble(Reason::Missing, Silence::Asked)),
            Told::Asked => Err(trouble(Reason::Unreachable, Silence::Down)),
        }
    }

    fn news(&mut self) -> Vec<String> {
        self.heard.news()
    }

    fn is_up(&self) -> Option<bool> {
        Some(self.heard.is_up())
    }
}

/// Why there is nothing to tell.
#[derive(Debug, thiserror::Error)]
enum Silence {
    #[error("the runtime has not told of the container yet")]
    Asked,
    #[error("the runtime does not answer; see that its socket is there and may be used")]
    Down,
}

fn trouble(reason: Reason, silence: Silence) -> Trouble {
    Trouble { reason, error: Box::new(silence) }
}

/// Gives a request its time, from connecting to the last byte of the answer.
async fn within<T>(
    time: Duration,
    request: &str,
    answer: impl Future<Output = Result<T, SocketError>> + Send,
) -> Result<T, SocketError> {
    let late = |_| SocketError::Late { request: request.to_owned(), time };
    tokio::time::timeout(time, answer).await.map_err(late)?
}
