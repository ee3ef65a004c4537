//! What each probe puts into a key's detail and into the record of a single event. A probe without a module here has neither.

pub mod exec;
pub mod exit;
pub mod fork;
pub mod oom;
pub mod signal;
pub mod socket_state;
pub mod syscall;
pub mod syscall_event;
pub mod syscall_latency;
pub mod tcp;
pub mod tracepoint;
