//! Whom the web side lets in, and how much of the machine they get: TLS, passwords, limits of connections and requests.
//!
//! What is decided, in one place. By TCP, the metrics, the page and health are for whoever `web.config_file` lets in: who has a
//! certificate, where it asks for one, and a password, where it has users; without a file, for everybody who reaches the port.
//! The API by TCP has the TLS of the same file, and its own token in place of passwords, because both are in the same header.
//! What changes anything is at the API alone. The API's unix socket is root's, and nothing more is asked there.

mod auth;
mod door;
mod file;
mod front;
mod guard;
mod listen;
mod live;
mod names;
mod password;
mod rate;
mod refusal;
mod room;
mod san;
mod seat;
mod serve;
mod systemd;
mod tls;
mod watched;
mod yaml;

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use axum::Router;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::warn;

pub use auth::NoRandomness;
pub use front::Visitor;
pub use guard::{Hosts, is_asked_here};
pub use listen::{Error, Servers, Stopping, bind};
pub use live::FileError;
pub use refusal::{Refusal, Totals};
pub use serve::House;
pub use systemd::{SystemdError, has_passed, passed};
pub use tls::TlsError;

use self::{auth::Passwords, front::Front, live::Live, rate::Bucket, refusal::Counters, room::Room};
use crate::config::WebLimits;

/// Open files beside connections: maps, programs, a link for each tracepoint.
const FILES: u64 = 65_536;

/// Connections by the API's unix socket, for which only root has to be feared.
const SOCKET_CONNECTIONS: usize = 128;

/// The web side: what all ports share.
#[derive(Clone, Debug)]
pub struct Web {
    live: Arc<Live>,
    passwords: Arc<Passwords>,
    bucket: Arc<Bucket>,
    room: Arc<Room>,
    counters: Arc<Counters>,
    limits: WebLimits,
}

/// Why there is no web side.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The web configuration cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// Passwords cannot be kept.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}

impl Web {
    /// Reads the web configuration, if there is one. To be called before there are threads.
    ///
    /// # Errors
    ///
    /// When the file cannot be used.
    pub fn open(file: Option<PathBuf>, limits: WebLimits) -> Result<Self, OpenError> {
        Ok(Self {
            live: Arc::new(Live::open(file)?),
            passwords: Arc::new(Passwords::new()?),
            bucket: Arc::default(),
            room: Arc::new(Room::new(limits.connections)),
            counters: Arc::default(),
            limits,
        })
    }

    /// The files that are read again when they change: the web configuration, certificates, keys. Who replaces them by renaming
    /// replaces what stands in their directories.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        self.live.files()
    }

    /// Whether anybody who gets in is known, by a password or by a certificate.
    #[must_use]
    pub fn knows_somebody(&self) -> bool {
        self.live.last().knows_somebody()
    }

    /// What was turned away so far, and what is open.
    #[must_use]
    pub fn totals(&self) -> Totals {
        Totals { refused: self.counters.read(), connections: self.room.len(), is_config_good: self.live.is_good() }
    }

    /// Says where passwords can be read on their way.
    pub fn warn_of_clear_text<'a>(&self, addresses: impl IntoIterator<Item = &'a SocketAddr>) {
        let loaded = self.live.last();
        let has_passwords = !loaded.users.is_empty() && loaded.tls.is_none();
        if let Some(address) =
            addresses.into_iter().find(|address| has_passwords && !address.ip().to_canonical().is_loopback())
        {
            warn!(%address, "passwords are sent in clear text: `tls_server_config` of the web configuration encrypts them");
        }
    }

    /// Routes for those whom the file lets in.
    #[must_use]
    pub fn for_visitors(&self, router: Router, hosts: Hosts) -> Arc<House> {
        let front = Front { passwords: Some(Arc::clone(&self.passwords)), ..self.front(hosts) };
        self.house(router, Some(front), &self.room)
    }

    /// Routes that ask for a token of their own, where the file would ask for a password.
    #[must_use]
    pub fn for_holders_of_a_token(&self, router: Router) -> Arc<House> {
        self.house(router, Some(self.front(Hosts::any())), &self.room)
    }

    /// Routes where nobody but root can connect.
    #[must_use]
    pub fn for_root(&self, router: Router) -> Arc<House> {
        self.house(router, None, &Arc::new(Room::new(SOCKET_CONNECTIONS)))
    }

    fn house(&self, router: Router, front: Option<Front>, room: &Arc<Room>) -> Arc<House> {
        let (room, counters) = (Arc::clone(room), Arc::clone(&self.counters));
        Arc::new(House { router, front, room, limits: self.limits, counters })
    }

    fn front(&self, hosts: Hosts) -> Front {
        Front {
            live: Arc::clone(&self.live),
            passwords: None,
            hosts,
            bucket: Arc::clone(&self.bucket),
            counters: Arc::clone(&self.counters),
        }
    }
}

/// Whether the text of a web configuration makes sense, whatever is in the files that it names.
///
/// # Errors
///
/// With the line, and what is wrong there.
pub fn understood(text: &str) -> Result<(), String> {
    let understood = file::File::parse(text, std::path::Path::new("/"));
    understood.map(drop).map_err(|fault| format!("line {}: {}", fault.line, fault.reason))
}

/// Allows as many open files as connections and everything else may need.
pub fn allow_files(limits: &WebLimits) {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = FILES.max(4 * limits.connections as u64);
    let wanted = maximum.map_or(wanted, |maximum| wanted.min(maximum));
    if current.is_some_and(|current| current < wanted) {
        // As many as there were then have to do.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum });
    }
}
