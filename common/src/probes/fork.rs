//! The events of created processes and threads.

use crate::{
    event::{Header, Process},
    wire::wire,
};

/// The record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Fork {
    /// What all records have.
    pub header: Header,
    /// The new process, or the one with the new thread.
    pub process: Process,
}

wire!(Fork { header: Header, process: Process });
