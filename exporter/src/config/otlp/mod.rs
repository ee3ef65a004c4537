//! Sending events and metrics by OTLP.

mod connection;
mod standard;
mod understood;

#[cfg(test)]
mod tests;

use std::{path::PathBuf, time::Duration};

use http::{HeaderName, HeaderValue, uri::Authority};

pub(super) use standard::Standard;
pub(super) use understood::understood;

/// What is sent by OTLP, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Otlp {
    /// Further attributes of the resource, each once.
    pub resource: Vec<(String, String)>,
    /// Where a container is described.
    pub identity: Describes,
    /// How long the last records may take to be sent.
    pub shutdown: Duration,
    /// Events as logs; nothing when they are not sent.
    pub logs: Option<Logs>,
    /// Metrics; nothing when they are not sent.
    pub metrics: Option<Metrics>,
}

/// Where a container is described.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Describes {
    /// In the attributes of each log record.
    Attributes,
    /// In a resource of its own.
    Resource,
}

impl Describes {
    /// Every choice.
    pub const ALL: [Self; 2] = [Self::Attributes, Self::Resource];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Attributes => "attributes",
            Self::Resource => "resource",
        }
    }
}

/// Sending events as logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logs {
    /// To whom.
    pub connection: Connection,
    /// Records in a request, at most; at least one.
    pub batch: usize,
    /// How long a record waits for others.
    pub linger: Duration,
    /// Where records wait.
    pub queue: Queue,
    /// How long a request is tried again; nothing for as long as it takes.
    pub give_up: Option<Duration>,
}

/// Where records wait to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// How many bytes may wait.
    pub bytes: usize,
    /// How many records may wait; nothing for any number.
    pub records: Option<usize>,
    /// The directory in which they wait; nothing for in memory.
    pub directory: Option<PathBuf>,
}

/// Sending metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metrics {
    /// To whom.
    pub connection: Connection,
    /// How often.
    pub interval: Duration,
}

/// How a collector is spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Where it is.
    pub endpoint: Endpoint,
    /// What it speaks.
    pub protocol: Protocol,
    /// What every request has in its head.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// How long a request may take.
    pub timeout: Duration,
    /// Whether requests are compressed.
    pub gzip: bool,
    /// PEM files for TLS.
    pub tls: Tls,
}

/// Where a collector is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Whether it is spoken to by TLS.
    pub is_secure: bool,
    /// Its host, and its port unless it is the usual one.
    pub authority: Authority,
    /// The path that requests have with HTTP.
    pub path: String,
}

impl Endpoint {
    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.authority.port_u16().unwrap_or(if self.is_secure { 443 } else { 80 })
    }
}

/// What a collector speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// gRPC.
    Grpc,
    /// HTTP with messages of protobuf.
    Http,
}

impl Protocol {
    /// Every protocol.
    pub const ALL: [Self; 2] = [Self::Grpc, Self::Http];

    /// Its name in the standard variables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            Self::Http => "http/protobuf",
        }
    }
}

/// PEM files for TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// Who must have signed the collector's certificate; nothing for those that the machine trusts.
    pub authority: Option<PathBuf>,
    /// The certificate that is shown to the collector, and its key.
    pub client: Option<(PathBuf, PathBuf)>,
}

/// What is sent to a place of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signal {
    Logs,
    Metrics,
}

impl Signal {
    /// Its part of the names of variables.
    const fn variable(self) -> &'static str {
        match self {
            Self::Logs => "LOGS",
            Self::Metrics => "METRICS",
        }
    }

    /// The path that HTTP requests have below a common endpoint.
    const fn path(self) -> &'static str {
        match self {
            Self::Logs => "/v1/logs",
            Self::Metrics => "/v1/metrics",
        }
    }
}
