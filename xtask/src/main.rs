//! Tasks of the repository.

mod bench;
mod build;
mod docs;
mod pictures;

use clap::{Parser, Subcommand};

/// Tasks of the repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Measure what the exporter costs and write docs/benchmarks.md; needs root and bpftrace.
    Bench(bench::Options),
    /// What `bench` runs in processes of their own.
    #[command(hide = true)]
    Resolve(bench::identity::Options),
    /// Write the references of metrics, events and configuration, and the configuration's schema; check all pages.
    Docs(docs::Options),
    /// Take the pictures of the live page for the documentation; needs root and scripts/setup-test-browser.
    Pictures,
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().task {
        Task::Bench(options) => bench::run(&options),
        Task::Resolve(options) => bench::identity::resolve(&options),
        Task::Docs(options) => docs::run(options),
        Task::Pictures => pictures::run(),
    }
}
