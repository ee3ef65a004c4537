//! doubleslit tells, for every container on a Linux machine, what the kernel saw it do.

pub mod bpf;
pub mod counts;
pub mod error;
pub mod identity;
pub mod probes;
