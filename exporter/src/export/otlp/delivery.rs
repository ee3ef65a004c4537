//! Sending a request until it is settled.

use std::time::{Duration, Instant};

use prost::bytes::Bytes;
use tracing::{info, warn};

use super::{
    client::Client,
    retry::{self, Answer},
};

/// How long a line about the same trouble stays unsaid.
const QUIET: Duration = Duration::from_secs(10);

/// Sends requests, one after the other.
#[derive(Debug)]
pub(super) struct Delivery {
    client: Client,
    what: &'static str,
    give_up: Option<Duration>,
    complained: Option<Instant>,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivered {
    /// The collector took it, but for so many records or points.
    Taken {
        /// What was not taken.
        rejected: u64,
    },
    /// It will not be sent again.
    GivenUp,
}

impl Delivery {
    /// Sends `what`, each request for at most `give_up`.
    pub(super) fn new(client: Client, what: &'static str, give_up: Option<Duration>) -> Self {
        Self { client, what, give_up, complained: None }
    }

    /// Sends a request, again and again if need be. `count` is told of each time: whether it was taken, and how long that took.
    pub(super) async fn deliver(&mut self, request: &Bytes, count: impl Fn(bool, Duration)) -> Delivered {
        let first = Instant::now();
        let mut attempts = 0;
        loop {
            let begun = Instant::now();
            let answer = self.client.send(request.clone()).await;
            attempts += 1;
            count(matches!(answer, Answer::Taken { .. }), begun.elapsed());
            match answer {
                Answer::Taken { rejected, message } => {
                    if rejected > 0 {
                        self.complain("the collector does not take all of it", &message);
                    } else if self.complained.take().is_some() {
                        info!(what = self.what, "the collector takes it again");
                    }
                    return Delivered::Taken { rejected };
                }
                Answer::Refused { reason } => {
                    self.complain("the collector does not take it", &reason);
                    return Delivered::GivenUp;
                }
                Answer::Later { pause, reason } => {
                    let pause = retry::pause(pause, attempts, first.elapsed(), self.give_up, fastrand::f64());
                    let Some(pause) = pause else {
                        self.complain("the collector does not take it; it is given up", &reason);
                        return Delivered::GivenUp;
                    };
                    self.complain("the collector does not take it yet", &reason);
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }

    fn complain(&mut self, trouble: &str, reason: &str) {
        if self.complained.is_none_or(|last| last.elapsed() >= QUIET) {
            self.complained = Some(Instant::now());
            warn!(what = self.what, reason, "{trouble}");
        }
    }
}
