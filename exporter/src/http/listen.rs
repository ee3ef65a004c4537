//! Listening, and serving until told to stop.

use std::{io, net::Ipv4Addr, net::Ipv6Addr, time::Duration};

use axum::{Router, serve::ListenerExt as _};
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

use crate::config::ListenAddress;

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
        way_out: &'static str,
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

/// Listens on every address.
///
/// # Errors
///
/// When one of them cannot be listened on.
pub async fn bind(addresses: &[ListenAddress]) -> Result<Vec<TcpListener>, Error> {
    let mut listeners = Vec::new();
    for address in addresses {
        let listener = bind_one(address).await.map_err(|source| {
            let way_out = match source.kind() {
                io::ErrorKind::AddrInUse => "end what listens there or choose another port with `--web.listen-address`",
                io::ErrorKind::PermissionDenied => {
                    "choose a port from 1024 on with `--web.listen-address` or grant `CAP_NET_BIND_SERVICE`"
                }
                _ => "choose an address of this machine with `--web.listen-address`",
            };
            Error::Listen { address: address.clone(), way_out, source }
        })?;
        listeners.push(listener);
    }
    Ok(listeners)
}

async fn bind_one(address: &ListenAddress) -> io::Result<TcpListener> {
    let ListenAddress { host, port } = address;
    if !host.is_empty() {
        return TcpListener::bind((host.as_str(), *port)).await;
    }
    match TcpListener::bind((Ipv6Addr::UNSPECIFIED, *port)).await {
        // A kernel without IPv6.
        Err(error) if error.kind() != io::ErrorKind::AddrInUse && error.kind() != io::ErrorKind::PermissionDenied => {
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, *port)).await
        }
        bound => bound,
    }
}

/// Serves on every listener until `shutdown` is there. What is under way then has a moment to finish.
///
/// # Errors
///
/// When a listener breaks.
pub async fn serve(
    listeners: Vec<TcpListener>,
    router: Router,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), Error> {
    let (stop, stopped) = watch::channel(false);
    let mut servers = JoinSet::new();
    for listener in listeners {
        let (router, mut stopped) = (router.clone(), stopped.clone());
        let told = async move {
            // An error means that the sender is gone, which is a reason to stop too.
            let _ = stopped.wait_for(|stop| *stop).await;
        };
        // A peer that keeps its connection acknowledges late, and the end of an answer must not wait for that. Where it cannot be
        // had, answers are only slower.
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        servers.spawn(async move { axum::serve(listener, router).with_graceful_shutdown(told).await });
    }
    tokio::select! {
        () = shutdown => {}
        Some(ended) = servers.join_next() => {
            return ended.map_err(io::Error::other).flatten().map_err(|source| Error::Serve { source });
        }
    }
    stop.send_replace(true);
    // Whoever is not done by then is cut off when the set is dropped.
    let _ = tokio::time::timeout(FAREWELL, async { while servers.join_next().await.is_some() {} }).await;
    Ok(())
}
