//! `doubleslit completions`.

use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use super::{Cli, Failure, output};

/// The arguments of `completions`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Shell that is to read it
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn execute(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    generate(arguments.shell, &mut Cli::command(), env!("CARGO_PKG_NAME"), &mut script);
    output::print(&String::from_utf8_lossy(&script))
}
