//! The only places that read kernel structures, one file a structure.

pub mod binprm;
pub mod cgroup;
pub mod directory;
mod field;
pub mod memory;
pub mod process;
pub mod record;
pub mod registers;
pub mod sender;
pub mod sigaction;
pub mod siginfo;
pub mod skb;
pub mod socket;
pub mod task;
pub mod tracepoint;
