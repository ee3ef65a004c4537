//! `doubleslit man`.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context;
use clap::{Args, CommandFactory};

use super::{Cli, Failure};

/// The arguments of `man`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Directory that is to have a page for each command
    directory: PathBuf,
}

pub(super) fn execute(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let Arguments { directory } = arguments;
    clap_mangen::generate_to(Cli::command(), directory)
        .with_context(|| format!("cannot write manual pages to `{}`", directory.display()))
        .map_err(Failure::Failed)?;
    Ok(ExitCode::SUCCESS)
}
