//! A body that is written by a thread while it is sent.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::body::{Bytes, HttpBody};
use http_body::Frame;
use tokio::{
    runtime::Handle,
    sync::mpsc::{self, Receiver, Sender},
};

use super::scrapes::Turn;

/// Pieces that wait for a slow reader.
const PIECES: usize = 4;

/// How long a piece waits before its reader counts as stalled.
const PATIENCE: Duration = Duration::from_secs(10);

enum Piece {
    Text(Bytes),
    End,
}

/// The reader is gone, or takes nothing any more.
#[derive(Debug, thiserror::Error)]
#[error("the body was not written to its end")]
pub(super) struct Broken;

/// A body and what writes it. Must be called on the runtime that sends the body.
pub(super) fn channel(turn: Arc<Turn>) -> (Writer, Reader) {
    let (sender, receiver) = mpsc::channel(PIECES);
    (Writer { sender, runtime: Handle::current(), turn }, Reader { receiver, ended: false })
}

pub(super) struct Writer {
    sender: Sender<Piece>,
    runtime: Handle,
    turn: Arc<Turn>,
}

impl Writer {
    /// Sends a piece. Blocks while the reader is behind, so it must not be called on a thread of the runtime.
    pub(super) fn send(&self, text: Bytes) -> Result<(), Broken> {
        self.piece(Piece::Text(text))
    }

    /// Ends the body. A body that is not ended breaks the connection: half an exposition must not look like a whole one.
    pub(super) fn finish(self) {
        // The reader is gone: nobody is left to tell.
        let _ = self.piece(Piece::End);
    }

    fn piece(&self, piece: Piece) -> Result<(), Broken> {
        match self.sender.try_send(piece) {
            Ok(()) => Ok(()),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(Broken),
            Err(mpsc::error::TrySendError::Full(piece)) => {
                let sent = self.sender.send_timeout(piece, PATIENCE);
                self.runtime.block_on(self.turn.waiting(sent)).and_then(Result::ok).ok_or(Broken)
            }
        }
    }
}

pub(super) struct Reader {
    receiver: Receiver<Piece>,
    ended: bool,
}

impl HttpBody for Reader {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        Poll::Ready(match ready!(self.receiver.poll_recv(context)) {
            Some(Piece::Text(text)) => Some(Ok(Frame::data(text))),
            Some(Piece::End) => {
                self.ended = true;
                None
            }
            None => {
                self.ended = true;
                Some(Err(Broken))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }
}
