//! One probe a file: its hooks and its sequence of calls, nothing else.

mod container;
mod exec;
mod exit;
mod fork;
mod oom;
mod signal;
mod socket_state;
mod syscall;
mod syscall_event;
mod tcp;
mod tracepoint;
