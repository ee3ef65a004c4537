//! What people who roll the exporter out are given: `cargo test --test rollout -- --ignored --test-threads=1`, as root.

mod chart;
mod completions;
mod harness;
mod man;
mod package;
mod pod;
mod static_binary;
mod systemd;
