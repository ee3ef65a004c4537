//! What can go wrong with a socket.

use std::{error::Error, io, time::Duration};

use crate::identity::failures::Reason;

/// Why a runtime told nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum SocketError {
    /// Nobody is there, or nobody may be asked.
    #[error("cannot connect")]
    Connect(#[source] io::Error),
    /// No answer, or only a part of it, in time.
    #[error("no answer to `{request}` within {time:?}")]
    Late { request: String, time: Duration },
    /// The connection broke, or what came is not the protocol.
    #[error("cannot ask `{request}`")]
    Broken { request: String, source: Box<dyn Error + Send + Sync> },
    /// The runtime answered with an error.
    #[error("`{request}` is refused: {answer}")]
    Refused { request: String, answer: String },
    /// The answer is too large.
    #[error("the answer to `{request}` is larger than {limit} bytes")]
    TooLarge { request: String, limit: usize },
    /// The answer is not what it should be.
    #[error("cannot understand the answer to `{request}`")]
    Malformed { request: String, source: Box<dyn Error + Send + Sync> },
    /// Events do not come any more.
    #[error("the stream of events ended")]
    Ended,
}

impl SocketError {
    /// There is nothing where there must be something.
    pub(super) fn absent(request: &str) -> Self {
        Self::Refused { request: request.to_owned(), answer: "there is nothing".to_owned() }
    }

    /// The kind of failure, for counting.
    pub(super) fn reason(&self) -> Reason {
        match self {
            Self::Connect(_) | Self::Late { .. } | Self::Broken { .. } | Self::Ended => Reason::Unreachable,
            Self::Refused { .. } | Self::TooLarge { .. } | Self::Malformed { .. } => Reason::Malformed,
        }
    }
}
