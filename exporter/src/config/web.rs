//! What is served where, and to how many at once.

use std::{path::PathBuf, time::Duration};

use super::{
    address::ListenAddress,
    error::Error,
    understood::{choice, duration, some_addresses, switch, telemetry_path},
    written,
};

/// What is served where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Web {
    /// The addresses to listen on; at least one.
    pub listen_addresses: Vec<ListenAddress>,
    /// Whether systemd listens in place of these.
    pub systemd_socket: bool,
    /// The path of the metrics.
    pub telemetry_path: String,
    /// The file with TLS, users and headers.
    pub config_file: Option<PathBuf>,
    /// Names by which the page may be asked for besides `localhost` and addresses.
    pub allowed_hosts: Vec<String>,
    /// Whether the page shows single events.
    pub live_events: LiveEvents,
    /// How much of the machine those who ask get.
    pub limits: WebLimits,
}

impl Web {
    /// Whether whoever opens the page may see single events.
    #[must_use]
    pub fn shows_events(&self) -> bool {
        match self.live_events {
            LiveEvents::Auto => self.is_for_this_machine(),
            LiveEvents::Always => true,
            LiveEvents::Never => false,
        }
    }

    /// Whether only this machine reaches it. What systemd listens on may be anything.
    #[must_use]
    pub fn is_for_this_machine(&self) -> bool {
        !self.systemd_socket && self.listen_addresses.iter().all(ListenAddress::is_loopback)
    }
}

/// Whether the page shows single events, which tell what others execute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiveEvents {
    /// Where only this machine reaches it, and to those who have shown a password or a certificate.
    Auto,
    /// To everybody who reaches it.
    Always,
    /// To nobody.
    Never,
}

impl LiveEvents {
    /// Every choice.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Always, Self::Never];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Always => "always",
            Self::Never => "never",
        }
    }
}

/// How much of the machine those who ask get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebLimits {
    /// Connections by TCP.
    pub connections: usize,
    /// Bytes of a request's header.
    pub header_bytes: usize,
    /// How long a TLS handshake may take.
    pub handshake_time: Duration,
    /// How long a request's header may take.
    pub header_time: Duration,
    /// How long a request's body may take.
    pub body_time: Duration,
    /// How long a connection may be open between two requests.
    pub idle_time: Duration,
    /// How long an answer may wait for its reader to take more of it.
    pub stall_time: Duration,
    /// Streams of single events to pages.
    pub page_streams: usize,
    /// Streams of single events of the API.
    pub api_streams: usize,
}

impl TryFrom<written::Web> for Web {
    type Error = Error;

    fn try_from(written: written::Web) -> Result<Self, Error> {
        let written::Web {
            listen_address,
            systemd_socket,
            telemetry_path: path,
            config_file,
            allowed_hosts,
            live_events,
            limits,
        } = written;
        let is_name =
            |name: &&String| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
        if let Some(name) = allowed_hosts.iter().find(|name| !is_name(name)) {
            return Err(Error::value(
                "web.allowed_hosts",
                name,
                "a name of a host without port, such as `node-1.example.org`",
            ));
        }
        Ok(Self {
            listen_addresses: some_addresses(&listen_address)?,
            systemd_socket: switch("web.systemd_socket", &systemd_socket)?,
            telemetry_path: telemetry_path(path)?,
            // The command line means it from where it is given.
            config_file: (!config_file.is_empty()).then(|| PathBuf::from(config_file)),
            allowed_hosts,
            live_events: choice("web.live_events", &live_events, LiveEvents::ALL, LiveEvents::name)?,
            limits: limits.try_into()?,
        })
    }
}

impl TryFrom<written::WebLimits> for WebLimits {
    type Error = Error;

    fn try_from(written: written::WebLimits) -> Result<Self, Error> {
        let written::WebLimits {
            connections,
            header_bytes,
            handshake_time,
            header_time,
            body_time,
            idle_time,
            stall_time,
            page_streams,
            api_streams,
        } = written;
        Ok(Self {
            connections: number("web.limits.connections", &connections, 4, 1 << 20)?,
            header_bytes: number("web.limits.header_bytes", &header_bytes, 8192, 1 << 20)?,
            handshake_time: time("web.limits.handshake_time", &handshake_time)?,
            header_time: time("web.limits.header_time", &header_time)?,
            body_time: time("web.limits.body_time", &body_time)?,
            idle_time: time("web.limits.idle_time", &idle_time)?,
            stall_time: time("web.limits.stall_time", &stall_time)?,
            page_streams: number("web.limits.page_streams", &page_streams, 1, 1 << 20)?,
            api_streams: number("web.limits.api_streams", &api_streams, 1, 1 << 20)?,
        })
    }
}

fn number(key: &str, text: &str, min: usize, max: usize) -> Result<usize, Error> {
    let number = text.parse().ok().filter(|number| (min..=max).contains(number));
    number.ok_or_else(|| Error::value(key, text, format!("a number from `{min}` to `{max}`")))
}

fn time(key: &str, text: &str) -> Result<Duration, Error> {
    const MAX: Duration = Duration::from_secs(24 * 3600);
    let time = duration(key, text)?;
    if time.is_zero() || time > MAX {
        return Err(Error::value(key, text, "a duration of no more than `24h`, and not none"));
    }
    Ok(time)
}
