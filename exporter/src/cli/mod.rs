//! The command line: one subcommand a file.

mod check;
mod client;
mod color;
mod completions;
mod log;
mod man;
mod ns;
mod output;
mod ps;
mod reload;
mod run;
mod top;
mod trace;
mod tracepoints;
mod unpin;
mod watch;

#[cfg(test)]
mod tests;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};

use crate::{
    config::{self, Config, Flags},
    error::chain,
    prerequisites::{self, Roots},
};

/// Exporter that tells, for every container on a Linux machine, what the kernel saw it do.
#[derive(Debug, Parser)]
#[command(name = "doubleslit", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Count, and serve the counts over HTTP
    Run(run::Arguments),
    /// Have an exporter that runs read its configuration again, and print what changes
    Reload(reload::Arguments),
    /// Remove what exporters have pinned, so that nothing counts any more
    Unpin(unpin::Arguments),
    /// List what the machine must offer, and what to do where it does not
    Check(check::Arguments),
    /// Print what happens, event by event
    Watch(watch::Arguments),
    /// Begin, list, show, end traces of an exporter that runs, and print their events
    Trace(trace::Arguments),
    /// Show what happens how often, as a table
    Top(top::Arguments),
    /// List the containers that are there, and who told what of them
    Ps(ps::Arguments),
    /// List the namespaces of a process
    Ns(ns::Arguments),
    /// List the kernel's tracepoints, or the fields of one
    Tracepoints(tracepoints::Arguments),
    /// Print what completes this command's arguments in a shell
    Completions(completions::Arguments),
    /// Write the manual pages, for those who make packages
    #[command(hide = true)]
    Man(man::Arguments),
}

/// Why a command did not do what it was told.
#[derive(Debug)]
pub enum Failure {
    /// The configuration is wrong: exit code 2.
    Usage(anyhow::Error),
    /// Something failed: exit code 1.
    Failed(anyhow::Error),
}

impl Failure {
    /// The process's exit code.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Failed(_) => ExitCode::from(1),
            Self::Usage(_) => ExitCode::from(2),
        }
    }
}

impl std::fmt::Display for Failure {
    /// The whole chain of causes on one line.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Self::Usage(error) | Self::Failed(error)) = self;
        formatter.write_str(&chain(error.as_ref()))
    }
}

impl Cli {
    /// Does what the command line says.
    ///
    /// # Errors
    ///
    /// When the configuration is wrong or the command fails.
    pub fn execute(self) -> Result<ExitCode, Failure> {
        match self.command {
            Command::Run(arguments) => run::execute(&arguments),
            Command::Reload(arguments) => reload::execute(&arguments),
            Command::Unpin(arguments) => unpin::execute(&arguments),
            Command::Check(arguments) => check::execute(&arguments),
            Command::Watch(arguments) => watch::execute(&arguments),
            Command::Trace(arguments) => trace::execute(&arguments),
            Command::Top(arguments) => top::execute(&arguments),
            Command::Ps(arguments) => ps::execute(&arguments),
            Command::Ns(arguments) => ns::execute(&arguments),
            Command::Tracepoints(arguments) => tracepoints::execute(&arguments),
            Command::Completions(arguments) => completions::execute(&arguments),
            Command::Man(arguments) => man::execute(&arguments),
        }
    }
}

/// Where the configuration comes from.
#[derive(Clone, Debug, Default, Args)]
struct ConfigArguments {
    /// Configuration file (YAML)
    #[arg(long = "config.file", value_name = "PATH")]
    config_file: Option<PathBuf>,
}

impl ConfigArguments {
    fn load(&self, flags: &Flags) -> Result<Config, Failure> {
        config::from_environment(self.config_file.as_deref(), flags).map_err(|error| Failure::Usage(error.into()))
    }
}

/// Sees that this machine offers what programs in the kernel need.
fn require(config: &Config) -> Result<(), Failure> {
    let checks = prerequisites::all(&Roots::real(&config.identity.host_root, &config.identity.docker_root));
    prerequisites::missing(&checks).map_or(Ok(()), |missing| Err(Failure::Failed(anyhow::anyhow!(missing))))
}

/// From how many digits on a container is named by its id.
const ID_DIGITS: usize = 12;

/// Whether a pattern for containers is the beginning of an id.
fn is_id(pattern: &str) -> bool {
    pattern.len() >= ID_DIGITS && pattern.bytes().all(|byte| byte.is_ascii_hexdigit())
}
