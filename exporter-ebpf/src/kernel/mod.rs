//! The only places that read kernel structures, one file a structure.

pub mod cgroup;
mod field;
pub mod siginfo;
pub mod skb;
pub mod socket;
pub mod task;
pub mod tracepoint;
