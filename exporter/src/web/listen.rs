//! Listening, and serving until told to stop.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, TcpListener},
    os::{fd::OwnedFd, unix::net::UnixListener},
    sync::Arc,
    time::Duration,
};

use rustix::net::{listen, sockopt::set_tcp_nodelay};
use tokio::{sync::watch, task::JoinSet};

use super::{door::Door, serve::House};
use crate::config::ListenAddress;

/// Connections that may wait to be accepted: as many as `net.core.somaxconn` allows. One more, and the kernel drops what its
/// client says, who repeats it after a second.
const BACKLOG: i32 = i32::MAX;

/// How long answers that are under way at the end may still take.
const FAREWELL: Duration = Duration::from_millis(300);

/// Why nothing is served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An address cannot be listened on.
    #[error("listening on `{address}` ({way_out})")]
    Listen {
        /// The address as configured.
        address: ListenAddress,
        /// What to do about it.
        way_out: String,
        /// Why.
        source: io::Error,
    },
    /// A listener broke.
    #[error("serving HTTP")]
    Serve {
        /// Why.
        source: io::Error,
    },
}

/// Listens on every address; `option` is how they are chosen. No runtime is needed, and no thread is made.
///
/// # Errors
///
/// When one of them cannot be listened on.
pub fn bind(addresses: &[ListenAddress], option: &str) -> Result<Vec<TcpListener>, Error> {
    let mut listeners = Vec::new();
    for address in addresses {
        let listener = bind_one(address).map_err(|source| {
            let way_out = match source.kind() {
                io::ErrorKind::AddrInUse => format!("end what listens there or choose another port with `{option}`"),
                io::ErrorKind::PermissionDenied => {
                    format!("choose a port from 1024 on with `{option}` or grant `CAP_NET_BIND_SERVICE`")
                }
                _ => format!("choose an address of this machine with `{option}`"),
            };
            Error::Listen { address: address.clone(), way_out, source }
        })?;
        listeners.push(listener);
    }
    Ok(listeners)
}

fn bind_one(address: &ListenAddress) -> io::Result<TcpListener> {
    let ListenAddress { host, port } = address;
    let listener = if host.is_empty() {
        match TcpListener::bind((Ipv6Addr::UNSPECIFIED, *port)) {
            // A kernel without IPv6.
            Err(error)
                if error.kind() != io::ErrorKind::AddrInUse && error.kind() != io::ErrorKind::PermissionDenied =>
            {
                TcpListener::bind((Ipv4Addr::UNSPECIFIED, *port))?
            }
            bound => bound?,
        }
    } else {
        TcpListener::bind((host.as_str(), *port))?
    };
    // It already listens; this says how many may wait.
    listen(&listener, BACKLOG)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// What serves. Dropping it ends everything at once.
#[derive(Debug)]
pub struct Servers {
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
}

/// Tells when the end begins: for answers that do not end by themselves.
#[derive(Clone, Debug)]
pub struct Stopping(watch::Receiver<bool>);

impl Stopping {
    /// Waits for that.
    pub async fn begun(mut self) {
        // An error means that the sender is gone, which is a reason to stop too.
        let _ = self.0.wait_for(|stop| *stop).await;
    }
}

impl Default for Servers {
    fn default() -> Self {
        Self { tasks: JoinSet::new(), stop: watch::Sender::new(false) }
    }
}

impl Servers {
    /// Serves on TCP, at listeners of [`bind`].
    ///
    /// # Errors
    ///
    /// When the runtime cannot wait for one of them.
    pub fn add_tcp(&mut self, listeners: Vec<TcpListener>, house: &Arc<House>) -> Result<(), Error> {
        for listener in listeners {
            // A peer that keeps its connection acknowledges late, and the end of an answer must not wait for that. Connections
            // have it of their listener. Where it cannot be had, answers are only slower.
            let _ = set_tcp_nodelay(&listener, true);
            self.add(listener.into(), (), house)?;
        }
        Ok(())
    }

    /// Serves on a unix socket that does not block, and keeps its `place` as long as it listens.
    ///
    /// # Errors
    ///
    /// When the runtime cannot wait for it.
    pub fn add_unix(
        &mut self,
        listener: UnixListener,
        place: impl Send + Sync + 'static,
        house: &Arc<House>,
    ) -> Result<(), Error> {
        self.add(listener.into(), place, house)
    }

    fn add<P: Send + Sync + 'static>(&mut self, listener: OwnedFd, place: P, house: &Arc<House>) -> Result<(), Error> {
        let door = Door::open(listener, place).map_err(|source| Error::Serve { source })?;
        self.tasks.spawn(Arc::clone(house).serve(door, self.stopping()));
        Ok(())
    }

    /// Tells when the end begins.
    #[must_use]
    pub fn stopping(&self) -> Stopping {
        Stopping(self.stop.subscribe())
    }

    /// Serves until `shutdown` is there. What is under way then has a moment to finish.
    ///
    /// # Errors
    ///
    /// When a listener breaks.
    pub async fn until(mut self, shutdown: impl Future<Output = ()> + Send) -> Result<(), Error> {
        tokio::select! {
            () = shutdown => {}
            Some(ended) = self.tasks.join_next() => {
                return ended.map_err(|source| Error::Serve { source: source.into() });
            }
        }
        self.stop.send_replace(true);
        // Whoever is not done by then is cut off when the set is dropped.
        let _ = tokio::time::timeout(FAREWELL, async { while self.tasks.join_next().await.is_some() {} }).await;
        Ok(())
    }
}
