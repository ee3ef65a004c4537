//! Sources of names against real runtimes: `cargo test --test runtimes -- --ignored --test-threads=1`, as root. No BPF is needed.

mod containerd;
mod docker;
mod harness;
mod provides;
mod silence;
