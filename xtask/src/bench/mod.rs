//! What the exporter costs: everything is measured in one run and told with its spread.

mod bpftrace;
mod cost;
mod encoding;
mod events;
mod export;
mod hooks;
pub(crate) mod identity;
mod loaded;
mod machine;
mod pairs;
mod process;
mod programs;
mod progress;
mod raw;
mod reading;
mod report;
mod rules;
mod slowdown;
mod statistics;
mod storm;
mod syscall;
mod traced;

use std::fs;

use anyhow::{Context as _, Result, ensure};
use clap::ValueEnum;

use report::Report;

use crate::build;

/// How to measure.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Few and short rounds, to see that everything works; writes no file.
    #[arg(long)]
    quick: bool,
    /// Only these sections; writes no file.
    #[arg(long, value_name = "SECTION")]
    only: Vec<Section>,
    /// How often each comparison is repeated.
    #[arg(long, value_name = "N")]
    rounds: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Section {
    /// Time in the programs for one event.
    Cost,
    /// Slow-down of storms.
    Storms,
    /// Slow-down of system calls that are counted.
    Syscall,
    /// Reading the maps, writing the text, memory, start.
    Exporter,
    /// Finding out whose cgroups they are.
    Identity,
    /// Cost of single events and of rules for them, and their way to a listener and to a collector.
    Events,
}

/// How much of everything there is.
#[derive(Clone, Copy, Debug)]
struct Effort {
    /// Rounds of a comparison.
    rounds: usize,
    /// Storm processes of which the median is taken.
    processes: usize,
    /// What divides the operations of a storm, and numbers of repetitions and seconds of waiting.
    divisor: u64,
}

/// Measures, prints, and writes the file.
pub(crate) fn run(options: &Options) -> Result<()> {
    build::optimised()?;
    ensure!(machine::is_root()?, "the kernel lets only root load programs: run it as root");
    let effort = Effort {
        rounds: options.rounds.unwrap_or(if options.quick { 3 } else { 11 }),
        processes: if options.quick { 3 } else { 5 },
        divisor: if options.quick { 4 } else { 1 },
    };
    let wanted = |section| options.only.is_empty() || options.only.contains(&section);
    let tools = build::tools()?;
    let mut report = Report::new(machine::describe()?);
    if wanted(Section::Cost) {
        cost::measure(&tools, effort, &mut report)?;
    }
    if wanted(Section::Storms) {
        slowdown::measure(&tools, effort, &mut report)?;
    }
    if wanted(Section::Syscall) {
        syscall::measure(&tools, effort, &mut report)?;
    }
    if wanted(Section::Exporter) {
        reading::measure(effort, &mut report)?;
        encoding::measure(effort, &mut report)?;
        process::measure(&tools, effort, &mut report)?;
    }
    if wanted(Section::Identity) {
        identity::measure(effort, &mut report)?;
    }
    if wanted(Section::Events) {
        events::measure(&tools, effort, &mut report)?;
        export::measure(&tools, effort, &mut report)?;
        rules::measure(&tools, effort, &mut report)?;
    }
    let text = report.text();
    print!("{text}");
    if !options.quick && options.only.is_empty() {
        let directory = build::workspace().join("docs");
        fs::create_dir_all(&directory)?;
        let path = directory.join("benchmarks.md");
        fs::write(&path, text).with_context(|| format!("cannot write `{}`", path.display()))?;
        eprintln!("wrote {}", path.display());
    }
    Ok(())
}
