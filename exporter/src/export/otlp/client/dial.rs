//! Opening a connection: TCP, and TLS where it is asked for.

use std::{io, sync::Arc};

use rustls::{AlertDescription, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use super::{
    greeting::{Greeting, Heard},
    tls::{TlsError, configuration},
};
use crate::config::otlp::Connection;

/// A connection, of whatever kind.
pub(super) type Stream = Box<dyn Duplex>;

/// Both directions.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// Opens connections to one collector.
#[derive(Clone)]
pub(super) struct Dialer {
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    /// What is known of the peer.
    pub(super) greeting: Greeting,
}

impl Dialer {
    /// One of connections in the protocol that is configured.
    pub(super) fn new(connection: &Connection) -> Result<Self, TlsError> {
        let greeting = Greeting::new(connection.protocol);
        let endpoint = &connection.endpoint;
        let host = endpoint.authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = endpoint.port();
        let tls = endpoint.is_secure.then(|| {
            let name = ServerName::try_from(host.clone()).map_err(|_| TlsError::Name(host.clone()))?;
            Ok((TlsConnector::from(Arc::new(configuration(&connection.tls, greeting.alpn())?)), name))
        });
        Ok(Self { host, port, tls: tls.transpose()?, greeting })
    }

    /// Opens a connection.
    pub(super) async fn dial(&self) -> io::Result<Stream> {
        self.greeting.set(false);
        let tcp = TcpStream::connect((self.host.as_str(), self.port)).await?;
        tcp.set_nodelay(true)?;
        let Some((connector, name)) = &self.tls else { return Ok(Box::new(Heard::new(tcp, self.greeting.clone()))) };
        let stream = connector.connect(name.clone(), tcp).await;
        let stream = stream.inspect_err(|error| self.greeting.set(is_refused_protocol(error)))?;
        Ok(Box::new(Heard::new(stream, self.greeting.clone())))
    }

    /// What is wrong with a connection, with the way out if it is known.
    pub(super) fn explain(&self, error: &dyn std::error::Error) -> String {
        self.greeting.explain(crate::error::chain(error))
    }
}

/// Whether the peer knows none of the protocols that were named in the handshake of TLS.
fn is_refused_protocol(error: &io::Error) -> bool {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    matches!(cause, Some(rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol)))
}

impl std::fmt::Debug for Dialer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { host, port, tls, greeting: _ } = self;
        formatter
            .debug_struct("Dialer")
            .field("host", host)
            .field("port", port)
            .field("is_secure", &tls.is_some())
            .finish()
    }
}
