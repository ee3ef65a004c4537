//! The exporter on a real kernel, with real containers: `cargo test --test kernel -- --ignored --test-threads=1`, as root.
//!
//! A test has a load do exactly N of one thing inside a container and reads the number at `/metrics`.

mod capacity;
mod container;
mod exec;
mod exit;
mod fork;
mod formats;
mod harness;
mod lifecycle;
mod oom;
mod pure_v2;
mod short;
mod signal;
mod slots;
mod socket_state;
mod start;
mod tcp;
