//! The command `doubleslit`.

use std::process::ExitCode;

use clap::Parser;
use doubleslit::cli::Cli;

fn main() -> ExitCode {
    Cli::parse().execute().unwrap_or_else(|failure| {
        eprintln!("doubleslit: {failure}");
        failure.exit_code()
    })
}
