//! The exporter on a real kernel, with real containers: `cargo test --test kernel -- --ignored --test-threads=1`, as root.
//!
//! A test has a load do exactly N of one thing inside a container and reads the number at `/metrics`.

mod api;
mod bare;
mod bpf_objects;
mod capacity;
mod churn;
mod container;
mod events;
mod exec;
mod exit;
mod fork;
mod formats;
mod guide;
mod harness;
mod identity;
mod labels;
mod library;
mod life;
mod lifecycle;
mod limits;
mod namespaces;
mod nested;
mod oom;
mod otlp;
mod page;
mod perf;
mod pin;
mod pods;
#[cfg(target_arch = "x86_64")]
mod privileges;
mod prometheus;
mod ps;
mod pure_v2;
mod reload;
mod short;
mod signal;
mod slots;
mod socket_state;
mod sources;
mod stack;
mod start;
mod syscall;
mod tcp;
mod top;
mod tracepoints;
mod traces;
mod web;
