//! Where connections come in.

use std::{
    io::{self, ErrorKind},
    net::{IpAddr, TcpStream},
    os::{
        fd::{AsFd as _, OwnedFd},
        unix::net::UnixStream,
    },
    time::Duration,
};

use rustix::{
    io::Errno,
    net::{RecvFlags, SocketAddrAny, SocketFlags, acceptfrom_with, recv, sockopt::set_socket_linger},
};
use tokio::{
    io::{Interest, unix::AsyncFd},
    net::{TcpStream as Visitor, UnixStream as Root},
    time::sleep,
};
use tracing::warn;

use crate::readiness::readable;

/// When it is tried again, where there are no files left for a connection.
const PAUSE: Duration = Duration::from_secs(1);

/// A socket that listens, and what is kept as long as it does.
#[derive(Debug)]
pub(super) struct Door<P> {
    listener: AsyncFd<OwnedFd>,
    _place: P,
}

impl<P> Door<P> {
    /// Opens one, of a socket that does not block.
    pub(super) fn open(listener: OwnedFd, place: P) -> io::Result<Self> {
        Ok(Self { listener: readable(listener)?, _place: place })
    }

    /// Waits for the next one who comes.
    pub(super) async fn next(&self) -> Newcomer {
        loop {
            match self.listener.async_io(Interest::READABLE, Newcomer::accept).await {
                Ok(newcomer) => return newcomer,
                Err(error) => match error.kind() {
                    // Who came is gone.
                    ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted => {}
                    _ => {
                        warn!(%error, "a connection cannot be accepted; it is tried again in {PAUSE:?}");
                        sleep(PAUSE).await;
                    }
                },
            }
        }
    }
}

/// A connection on which nobody has said anything yet.
///
/// It waits to be read and for nothing else: what is accepted could be written at once, and who waits for that too is woken by
/// each who connects.
#[derive(Debug)]
pub(super) struct Newcomer {
    socket: AsyncFd<OwnedFd>,
    /// Where it comes from; nothing by a unix socket.
    pub(super) from: Option<IpAddr>,
}

/// A connection on which somebody has said something.
pub(super) enum Stream {
    /// By TCP, and from where.
    Tcp(Visitor, IpAddr),
    /// By a unix socket.
    Unix(Root),
}

impl Newcomer {
    fn accept(listener: &OwnedFd) -> io::Result<Self> {
        let (socket, address) = acceptfrom_with(listener, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK)?;
        Ok(Self { socket: readable(socket)?, from: address.and_then(ip) })
    }

    /// Waits until there is something to read, or nothing any more. What failed is told by the read that follows.
    pub(super) async fn heard(&self) {
        drop(self.socket.readable().await);
    }

    /// Whether there is something to read now.
    pub(super) fn is_heard(&self) -> bool {
        recv(self.socket.as_fd(), &mut [0; 1], RecvFlags::PEEK | RecvFlags::DONTWAIT) != Err(Errno::AGAIN)
    }

    /// Ends it with a reset when it is dropped: the kernel would otherwise wait a minute for an end from the other side, which
    /// has said nothing so far.
    pub(super) fn reset(&self) {
        // By a unix socket there is none, and no need of it.
        let _ = set_socket_linger(self.socket.as_fd(), Some(Duration::ZERO));
    }

    /// What is read and written.
    ///
    /// # Errors
    ///
    /// When the runtime cannot wait for it.
    pub(super) fn into_stream(self) -> io::Result<Stream> {
        let socket = self.socket.into_inner();
        Ok(match self.from {
            Some(from) => Stream::Tcp(Visitor::from_std(TcpStream::from(socket))?, from),
            None => Stream::Unix(Root::from_std(UnixStream::from(socket))?),
        })
    }
}

/// Who comes by IPv4 to a socket of IPv6 is the same as elsewhere.
fn ip(address: SocketAddrAny) -> Option<IpAddr> {
    std::net::SocketAddr::try_from(address).ok().map(|address| address.ip().to_canonical())
}
