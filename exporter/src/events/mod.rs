//! Single events: read from the kernel's ring, labelled with whose they are, handed to those who listen.

pub mod account;
pub mod decode;
pub mod event;
#[cfg(test)]
pub(crate) mod fake;
pub mod fields;
pub mod hit;
pub mod hub;
pub mod outlet;
pub mod reader;
pub mod received;
pub mod redact;
pub mod render;
pub mod signals;
pub mod source;
pub mod syscalls;
mod text;
pub mod writer;
