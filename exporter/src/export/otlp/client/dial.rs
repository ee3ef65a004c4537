//! Opening a connection: TCP, and TLS where it is asked for.

use std::{io, sync::Arc};

use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use super::tls::{TlsError, configuration};
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
}

impl Dialer {
    /// One that chooses `protocol` in the handshake of TLS.
    pub(super) fn new(connection: &Connection, protocol: &[u8]) -> Result<Self, TlsError> {
        let endpoint = &connection.endpoint;
        let host = endpoint.authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = endpoint.authority.port_u16().unwrap_or(if endpoint.is_secure { 443 } else { 80 });
        let tls = endpoint.is_secure.then(|| {
            let name = ServerName::try_from(host.clone()).map_err(|_| TlsError::Name(host.clone()))?;
            Ok((TlsConnector::from(Arc::new(configuration(&connection.tls, protocol)?)), name))
        });
        Ok(Self { host, port, tls: tls.transpose()? })
    }

    /// Opens a connection.
    pub(super) async fn dial(&self) -> io::Result<Stream> {
        let tcp = TcpStream::connect((self.host.as_str(), self.port)).await?;
        tcp.set_nodelay(true)?;
        Ok(match &self.tls {
            None => Box::new(tcp),
            Some((connector, name)) => Box::new(connector.connect(name.clone(), tcp).await?),
        })
    }
}

impl std::fmt::Debug for Dialer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { host, port, tls } = self;
        formatter
            .debug_struct("Dialer")
            .field("host", host)
            .field("port", port)
            .field("is_secure", &tls.is_some())
            .finish()
    }
}
