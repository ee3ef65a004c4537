//! Another process looks.

use std::{
    os::unix::net::UnixStream,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tracing::error;

use super::{
    Look, UserFiles,
    message::{self, Request},
};
use crate::namespaces::Namespaces;

/// Asks a helper.
#[derive(Debug)]
pub struct Lookout {
    socket: UnixStream,
    is_there: Arc<AtomicBool>,
}

impl Lookout {
    /// Asks the one behind a socket. `is_there` becomes false when it does not answer any more.
    pub(super) fn new(socket: UnixStream, is_there: Arc<AtomicBool>) -> Self {
        Self { socket, is_there }
    }

    /// What it says; an error when it says nothing any more.
    fn ask(&mut self, request: Request) -> Result<Option<Vec<u8>>, ()> {
        let asked = request.write(&mut self.socket).and_then(|()| message::read_answer(&mut self.socket));
        asked.map_err(|source| {
            if self.is_there.swap(false, Ordering::Relaxed) {
                error!(
                    error = %source,
                    "the helper that looks at other processes is gone: starts of containers come without namespaces, and users \
                     of new containers have no names until the exporter is started again"
                );
            }
        })
    }
}

impl Look for Lookout {
    fn namespaces(&mut self, pid: u32) -> Option<Namespaces> {
        message::namespaces(&self.ask(Request::Namespaces(pid)).ok()??)
    }

    fn users(&mut self, pid: u32) -> Option<UserFiles> {
        message::users(&self.ask(Request::Users(pid)).ok()??)
    }

    fn machine_users(&mut self) -> Option<Vec<u8>> {
        self.ask(Request::MachineUsers).ok()?
    }
}
