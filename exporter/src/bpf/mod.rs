//! The kernel's side as userspace sees it: layout, object, programs, maps.

mod attach;
pub mod btf;
mod edges;
mod element;
pub mod events;
pub mod gates;
pub mod layout;
mod ledger;
pub mod left_out;
mod maps;
pub mod notices;
pub mod object;
pub mod pin;
mod shared;
mod slots;
mod source;
pub mod status;
mod sys;
mod syscalls;
mod traced_calls;
pub mod tracepoints;
pub mod traces;
pub mod verdicts;
mod words;
