//! What people who roll the exporter out are given: `cargo test --test rollout -- --ignored --test-threads=1`, as root.

mod chart;
mod cluster;
mod completions;
mod harness;
mod machine;
mod man;
mod package;
mod pod;
mod registry;
mod static_binary;
mod systemd;
