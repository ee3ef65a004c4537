//! Connections: accepted, encrypted, answered, and closed when their time is over.

use std::{
    future::{pending, poll_fn},
    net::IpAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
};

use axum::{
    Router,
    body::Body,
    http::{Request, Response},
};
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    task::JoinSet,
    time::{Instant, sleep_until},
};
use tokio_rustls::TlsAcceptor;

use super::{
    Refusal, Stopping,
    door::{Door, Newcomer, Stream},
    front::{self, Front, Origin, Outdated},
    refusal::Counters,
    room::{Room, Taken},
    seat::Seat,
    watched::{Answered, Asked, Wire},
};
use crate::config::WebLimits;

/// Lines of a request's header.
const HEADER_LINES_MAX: usize = 64;

/// What connections to some listeners share.
#[derive(Debug)]
pub struct House {
    pub(super) router: Router,
    /// What is asked of those who come by TCP; nothing where only root connects.
    pub(super) front: Option<Front>,
    pub(super) room: Arc<Room>,
    pub(super) limits: WebLimits,
    pub(super) counters: Arc<Counters>,
}

impl House {
    /// Serves those who come until the end begins, and then those who are there.
    ///
    /// Who says nothing is waited for here, one beside the other, and gets a task when it speaks: tens of thousands who only
    /// connect then cost little more than what the kernel does for them.
    pub(super) async fn serve<P>(self: Arc<Self>, door: Door<P>, stopping: Stopping) {
        let (mut silent, mut heard) = (FuturesUnordered::new(), JoinSet::new());
        let mut told = pin!(stopping.clone().begun());
        loop {
            tokio::select! {
                newcomer = door.next() => {
                    // Those that have ended need not be heard of at once, which would wake this for each of them.
                    while heard.try_join_next().is_some() {}
                    if let Some(taken) = self.enter(newcomer.from) {
                        silent.push(self.first_word(newcomer, taken));
                    }
                }
                Some(spoken) = silent.next() => {
                    if let Some((newcomer, taken)) = spoken {
                        heard.spawn(Arc::clone(&self).connection(newcomer, taken, stopping.clone()));
                    }
                }
                () = &mut told => break,
            }
        }
        drop((door, silent));
        while heard.join_next().await.is_some() {}
    }

    /// Waits until somebody says something; nothing when its time is over before.
    async fn first_word(&self, newcomer: Newcomer, mut taken: Taken) -> Option<(Newcomer, Taken)> {
        match self.in_time(pin!(newcomer.heard()), &taken, pending(), |_| {}).await {
            Ok(()) => {}
            // It has lost its place because nobody had looked yet, and comes in again, as one that asks.
            Err(Some(Refusal::Displaced)) if newcomer.is_heard() => taken = self.enter(newcomer.from)?,
            Err(refusal) => {
                newcomer.reset();
                self.count(refusal);
                return None;
            }
        }
        taken.is_heard();
        Some((newcomer, taken))
    }

    /// Counts why a connection is over, if it is for a refusal.
    fn count(&self, refusal: Option<Refusal>) {
        if let Some(refusal) = refusal {
            self.counters.add(refusal);
        }
    }

    fn enter(&self, from: Option<IpAddr>) -> Option<Taken> {
        let has_handshake = self.front.as_ref().is_some_and(|front| front.live.last().tls.is_some());
        let taken = self.room.enter(from, has_handshake);
        if taken.is_none() {
            self.counters.add(Refusal::Connections);
        }
        taken
    }

    async fn connection(self: Arc<Self>, newcomer: Newcomer, taken: Taken, stopping: Stopping) {
        let seat = Arc::clone(&taken.seat);
        match (newcomer.into_stream(), &self.front) {
            (Ok(Stream::Tcp(stream, from)), Some(front)) => {
                self.visitor(front, Wire::new(stream, seat), from, &taken, stopping).await;
            }
            (Ok(Stream::Unix(stream)), None) => self.http(Wire::new(stream, seat), &taken, stopping, None).await,
            // Nobody is let in by the other's door.
            _ => self.counters.add(Refusal::Connections),
        }
    }

    /// One who comes by TCP.
    async fn visitor(&self, front: &Front, wire: Wire<TcpStream>, from: IpAddr, taken: &Taken, stopping: Stopping) {
        let Some(tls) = front.live.now().tls.clone() else {
            let origin = Origin { from, tls: None, is_verified: false };
            return self.http(wire, taken, stopping, Some(origin)).await;
        };
        let handshake = TlsAcceptor::from(Arc::clone(&tls.config)).accept(wire);
        match self.in_time(pin!(handshake), taken, stopping.clone().begun(), |_| {}).await {
            Ok(Ok(stream)) => {
                taken.seat.is_open();
                let is_verified = tls.verifies && stream.get_ref().1.peer_certificates().is_some();
                let origin = Origin { from, tls: Some(tls.mark), is_verified };
                self.http(stream, taken, stopping, Some(origin)).await;
            }
            Ok(Err(_)) => self.counters.add(Refusal::Handshake),
            Err(refusal) => self.count(refusal),
        }
    }

    /// Answers one request after the other.
    async fn http<S>(&self, stream: S, taken: &Taken, stopping: Stopping, origin: Option<Origin>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let seat = &taken.seat;
        let service = service_fn(|request| self.answer(request, seat, origin));
        let connection = http1::Builder::new()
            .max_buf_size(self.limits.header_bytes)
            .max_headers(HEADER_LINES_MAX)
            // Times are looked after here, for all steps alike.
            .header_read_timeout(None)
            .serve_connection(TokioIo::new(stream), service);
        let stop = |connection: Pin<&mut _>| http1::Connection::graceful_shutdown(connection);
        match self.in_time(pin!(connection), taken, stopping.begun(), stop).await {
            Ok(Err(error)) if error.is_parse() => self.counters.add(Refusal::Malformed),
            Ok(_) => {}
            Err(refusal) => self.count(refusal),
        }
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        seat: &Arc<Seat>,
        origin: Option<Origin>,
    ) -> Result<Response<Answered>, Outdated> {
        seat.is_asked(front::may_have_body(&request));
        let request = request.map(|body| Asked::new(body, Arc::clone(seat)));
        let answer = match (&self.front, origin) {
            (Some(front), Some(origin)) => front.answer(&self.router, origin, seat, request).await?,
            _ => {
                seat.is_let_in();
                front::routed(&self.router, request.map(Body::new), &self.counters).await
            }
        };
        Ok(answer.map(|body| Answered::new(body, Arc::clone(seat))))
    }

    /// Goes on with a connection as long as it may; else says why it may not, without a refusal where it was only left open.
    async fn in_time<F: Future>(
        &self,
        mut work: Pin<&mut F>,
        taken: &Taken,
        stopping: impl Future<Output = ()>,
        stop: impl Fn(Pin<&mut F>),
    ) -> Result<F::Output, Option<Refusal>> {
        let seat = &taken.seat;
        let (mut told, mut leave) = (pin!(stopping), pin!(seat.leave.notified()));
        let mut is_stopping = false;
        let mut timer = pin!(sleep_until(Instant::now()));
        poll_fn(|context| {
            if !is_stopping && told.as_mut().poll(context).is_ready() {
                is_stopping = true;
                stop(work.as_mut());
            }
            if leave.as_mut().poll(context).is_ready() {
                return Poll::Ready(Err(Some(Refusal::Displaced)));
            }
            if let Poll::Ready(output) = work.as_mut().poll(context) {
                return Poll::Ready(Ok(output));
            }
            // What the connection does changes only while it is polled, so this is always its present time.
            if let Some((until, refusal)) = seat.deadline(&self.limits) {
                if timer.deadline() != until {
                    timer.as_mut().reset(until);
                }
                if timer.as_mut().poll(context).is_ready() {
                    return Poll::Ready(Err(refusal));
                }
            }
            Poll::Pending
        })
        .await
    }
}
