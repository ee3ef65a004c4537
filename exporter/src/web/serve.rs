//! Connections: accepted, encrypted, answered, and closed when their time is over.

use std::{
    future::poll_fn,
    net::IpAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
};

use axum::{
    Router,
    body::Body,
    http::{Request, Response},
    serve::Listener,
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::JoinSet,
    time::{Instant, sleep_until},
};
use tokio_rustls::TlsAcceptor;

use super::{
    Refusal, Stopping,
    front::{self, Front, Origin, Outdated},
    refusal::Counters,
    room::{Entrance, Room, Taken},
    seat::Seat,
    watched::{Answered, Asked, Wire},
};
use crate::config::WebLimits;

/// Lines of a request's header.
const HEADER_LINES_MAX: usize = 64;

/// Where a connection comes from.
pub(super) trait Address {
    fn ip(&self) -> Option<IpAddr>;
}

impl Address for std::net::SocketAddr {
    fn ip(&self) -> Option<IpAddr> {
        // One who comes by IPv4 to a socket of IPv6 is the same as elsewhere.
        Some(std::net::SocketAddr::ip(self).to_canonical())
    }
}

impl Address for tokio::net::unix::SocketAddr {
    fn ip(&self) -> Option<IpAddr> {
        None
    }
}

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
    pub(super) async fn serve<L: Listener>(self: Arc<Self>, mut listener: L, stopping: Stopping)
    where
        L::Addr: Address,
    {
        let mut connections = JoinSet::new();
        let mut told = pin!(stopping.clone().begun());
        loop {
            tokio::select! {
                (stream, address) = listener.accept() => {
                    if let Some(taken) = self.enter(address.ip()) {
                        let house = Arc::clone(&self);
                        connections.spawn(house.connection(stream, address.ip(), taken, stopping.clone()));
                    }
                }
                Some(_) = connections.join_next() => {}
                () = &mut told => break,
            }
        }
        drop(listener);
        while connections.join_next().await.is_some() {}
    }

    fn enter(&self, from: Option<IpAddr>) -> Option<Taken> {
        let has_handshake = self.front.as_ref().is_some_and(|front| front.live.now().tls.is_some());
        match self.room.enter(from, has_handshake) {
            Entrance::Open { taken, has_displaced } => {
                if has_displaced {
                    self.counters.add(Refusal::Displaced);
                }
                Some(taken)
            }
            Entrance::Full => {
                self.counters.add(Refusal::Connections);
                None
            }
        }
    }

    async fn connection<S>(self: Arc<Self>, stream: S, from: Option<IpAddr>, taken: Taken, stopping: Stopping)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let wire = Wire::new(stream, Arc::clone(&taken.seat));
        let (Some(front), Some(from)) = (&self.front, from) else {
            return self.http(wire, &taken, stopping, None).await;
        };
        let Some(tls) = front.live.last().tls.clone() else {
            let origin = Origin { from, tls: None, is_verified: false };
            return self.http(wire, &taken, stopping, Some(origin)).await;
        };
        let handshake = TlsAcceptor::from(Arc::clone(&tls.config)).accept(wire);
        match self.in_time(pin!(handshake), &taken, stopping.clone(), |_| {}).await {
            Some(Ok(stream)) => {
                taken.seat.is_open();
                let is_verified = tls.verifies && stream.get_ref().1.peer_certificates().is_some();
                let origin = Origin { from, tls: Some(tls.mark), is_verified };
                self.http(stream, &taken, stopping, Some(origin)).await;
            }
            Some(Err(_)) => self.counters.add(Refusal::Handshake),
            None => {}
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
        let ended = self.in_time(pin!(connection), taken, stopping, |connection| connection.graceful_shutdown()).await;
        if let Some(Err(error)) = ended
            && error.is_parse()
        {
            self.counters.add(Refusal::Malformed);
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

    /// Goes on with a connection as long as it may; nothing when it may no longer.
    async fn in_time<F: Future>(
        &self,
        mut work: Pin<&mut F>,
        taken: &Taken,
        stopping: Stopping,
        stop: impl Fn(Pin<&mut F>),
    ) -> Option<F::Output> {
        let seat = &taken.seat;
        let (mut told, mut leave) = (pin!(stopping.begun()), pin!(seat.leave.notified()));
        let mut is_stopping = false;
        let mut timer = pin!(sleep_until(Instant::now()));
        poll_fn(|context| {
            if !is_stopping && told.as_mut().poll(context).is_ready() {
                is_stopping = true;
                stop(work.as_mut());
            }
            if leave.as_mut().poll(context).is_ready() {
                return Poll::Ready(None);
            }
            if let Poll::Ready(output) = work.as_mut().poll(context) {
                return Poll::Ready(Some(output));
            }
            // What the connection does changes only while it is polled, so this is always its present time.
            if let Some((until, refusal)) = seat.deadline(&self.limits) {
                if timer.deadline() != until {
                    timer.as_mut().reset(until);
                }
                if timer.as_mut().poll(context).is_ready() {
                    if let Some(refusal) = refusal {
                        self.counters.add(refusal);
                    }
                    return Poll::Ready(None);
                }
            }
            Poll::Pending
        })
        .await
    }
}
