//! A stream of events to one reader. Who is slow misses some of its own and is told how many; nobody else notices.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    http::header,
    response::{IntoResponse, Response},
};
use http_body::Frame;
use tokio::{
    sync::mpsc::{self, Receiver, Sender},
    time::sleep,
};

use super::form::Form;
use crate::{events::hub::Subscription, web::Stopping};

/// How long nothing may be sent before the reader is told that the stream is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The answer that sends what a subscription receives, until there is no more, the exporter stops or the reader is gone. Then
/// `kept` is dropped.
pub(super) fn answer(
    subscription: Subscription,
    form: Form,
    stopping: Stopping,
    kept: impl Send + 'static,
) -> Response {
    let (sender, pieces) = mpsc::channel(1);
    tokio::spawn(async move {
        tokio::select! {
            () = send(subscription, form, &sender, KEEP_ALIVE) => {}
            () = stopping.begun() => {}
            () = sender.closed() => {}
        }
        drop(kept);
    });
    let headers = [(header::CONTENT_TYPE, form.content_type()), (header::CACHE_CONTROL, "no-store")];
    (headers, Body::new(Pieces(pieces))).into_response()
}

/// Sends what a subscription receives. Events are taken only when the reader has room, so that the hub knows who is slow.
pub(super) async fn send(mut subscription: Subscription, form: Form, sender: &Sender<Bytes>, keep_alive: Duration) {
    while let Ok(room) = sender.reserve().await {
        let mut piece = String::new();
        tokio::select! {
            next = subscription.next() => {
                let Some((batch, missed)) = next else { return };
                if missed > 0 {
                    form.write_missed(missed, &mut piece);
                }
                batch.events.iter().for_each(|event| form.write(event, &mut piece));
            }
            () = sleep(keep_alive), if form.keep_alive().is_some() => {
                piece.push_str(form.keep_alive().unwrap_or_default());
            }
        }
        room.send(piece.into());
    }
}

/// The body: pieces as they come.
#[derive(Debug)]
struct Pieces(Receiver<Bytes>);

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}
