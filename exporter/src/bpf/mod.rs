//! The kernel's side as userspace sees it: layout, object, programs, maps.

pub mod btf;
mod element;
pub mod events;
pub mod layout;
pub mod left_out;
pub mod notices;
pub mod object;
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
