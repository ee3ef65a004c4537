//! doubleslit tells, for every container on a Linux machine, what the kernel saw it do.
//!
#![doc = include_str!("../../docs/library.md")]

pub mod api;
pub mod app;
pub mod bpf;
pub mod cli;
mod clock;
mod closest;
pub mod config;
pub mod counts;
pub mod error;
pub mod events;
pub mod export;
pub mod filter;
mod harmless;
pub mod http;
pub mod identity;
mod in_root;
pub mod lives;
pub mod machine;
mod media;
pub mod namespaces;
pub mod others;
pub mod page;
pub mod prerequisites;
pub mod privileges;
pub mod probes;
mod readiness;
pub mod reference;
pub mod top;
pub mod tracepoints;
pub mod traces;
pub mod web;

pub use app::{EventStream, Observer, ObserverError, Unseen};
pub use doubleslit_common::kind::Kind;
pub use events::{
    event::{Details, Event, Process},
    hit::Hit,
};
pub use namespaces::Type as NamespaceType;
pub use tracepoints::record::FieldError;
