//! What the programs that send system calls are told.

use std::{fs, os::unix::fs::MetadataExt as _, process};

use aya::{
    EbpfLoader,
    maps::{Array, Map, MapError},
};
use doubleslit_common::probes::{syscall::CALLS, syscall_event::Reads};

use super::element::Element;
use crate::{events::syscalls, probes::syscall::Calls};

/// How many calls can be under way at once. Of more, the time that they take is not known.
const BEGUN: u32 = 16384;

/// How many executions can be. Of more, their paths and arguments are not known.
const EXECUTIONS: u32 = 64;

/// Constants of the object.
#[derive(Debug)]
pub(super) struct Constants {
    calls: [u8; CALLS],
    own_pid: u32,
    own_namespace: u32,
}

impl Constants {
    /// Those with which these calls are sent, but for the exporter's own.
    pub(super) fn of(calls: &Calls) -> Self {
        // Without a number no process is taken for this one, and its calls are sent like others.
        let own_namespace = fs::metadata("/proc/self/ns/pid").map_or(0, |file| file.ino() as u32);
        Self { calls: syscalls::bits(calls), own_pid: process::id(), own_namespace }
    }

    /// Writes them into the object.
    pub(super) fn set<'a>(&'a self, loader: &mut EbpfLoader<'a>) {
        loader
            .override_global("SYSCALL_EVENTS", &self.calls, true)
            .override_global("OWN_PID", &self.own_pid, true)
            .override_global("OWN_PID_NAMESPACE", &self.own_namespace, true);
        if self.calls.iter().any(|bits| *bits != 0) {
            loader.map_max_entries("SYSCALLS_BEGUN", BEGUN).map_max_entries("EXECUTIONS_BEGUN", EXECUTIONS);
        }
    }
}

/// Writes what is read for each call.
pub(super) fn set_reads(map: &mut Map) -> Result<(), MapError> {
    let mut array = Array::<_, Element<Reads>>::try_from(map)?;
    syscalls::reads().try_for_each(|(call, reads)| array.set(call, Element(reads), 0))
}
