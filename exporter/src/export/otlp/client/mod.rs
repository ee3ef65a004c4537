//! Sending a request to a collector, once.

mod dial;
mod greeting;
mod grpc;
mod http;
mod tls;

pub use tls::TlsError;

use std::time::Duration;

use prost::bytes::Bytes;

use super::{messages::Response, retry::Answer};
use crate::config::otlp::{Connection, Protocol};

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Log records.
    Logs,
    /// Points of metrics.
    Metrics,
}

/// The way to a collector. It connects when something is sent.
#[derive(Debug)]
pub struct Client {
    wire: Wire,
    timeout: Duration,
}

#[derive(Debug)]
enum Wire {
    Grpc(Box<grpc::Client>),
    Http(Box<http::Client>),
}

impl Client {
    /// The way to a collector.
    ///
    /// # Errors
    ///
    /// When a certificate or key cannot be used.
    pub fn new(connection: &Connection, signal: Signal) -> Result<Self, TlsError> {
        let wire = match connection.protocol {
            Protocol::Grpc => Wire::Grpc(Box::new(grpc::Client::new(connection, signal)?)),
            Protocol::Http => Wire::Http(Box::new(http::Client::new(connection)?)),
        };
        Ok(Self { wire, timeout: connection.timeout })
    }

    /// Sends a request.
    pub(super) async fn send(&mut self, request: Bytes) -> Answer {
        let Self { wire, timeout } = self;
        let answer = async {
            match wire {
                Wire::Grpc(client) => client.send(request).await,
                Wire::Http(client) => client.send(request).await,
            }
        };
        if let Ok(answer) = tokio::time::timeout(*timeout, answer).await {
            return answer;
        }
        // The collector may be gone without a word.
        match wire {
            Wire::Grpc(client) => client.disconnect(),
            Wire::Http(client) => client.disconnect(),
        }
        Answer::later(format_args!("no answer within {timeout:?}"))
    }
}

/// What an acknowledgement says.
fn taken(response: Response) -> Answer {
    let Response { partial_success } = response;
    let partial = partial_success.unwrap_or_default();
    Answer::Taken { rejected: u64::try_from(partial.rejected).unwrap_or_default(), message: partial.message }
}
