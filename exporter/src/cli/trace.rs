//! `doubleslit trace`.

mod create;
mod tables;
mod tail;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use http::Method;

use super::{
    Failure,
    client::{self, Client},
    output::{self, Output},
};
use crate::{api::TRACES, config};

/// The arguments of `trace`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Socket of the exporter that is asked
    #[arg(long, global = true, value_name = "PATH", default_value = config::SOCKET)]
    socket: PathBuf,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Begin a trace
    Create(Box<create::Arguments>),
    /// List the traces that run and those that are over
    List(List),
    /// Print what a trace asks for, and what became of it
    Show(Show),
    /// End a trace and forget it
    Delete(Delete),
    /// Print the events of a trace until it ends
    Tail(tail::Arguments),
}

#[derive(Debug, Args)]
struct List {
    /// Form of the list
    #[arg(short, long, value_enum, value_name = "FORM", default_value_t)]
    output: Output,
}

#[derive(Debug, Args)]
struct Show {
    /// Name of the trace
    name: String,

    /// Form of what is printed
    #[arg(short, long, value_enum, value_name = "FORM", default_value_t)]
    output: Output,
}

#[derive(Debug, Args)]
struct Delete {
    /// Names of the traces
    #[arg(required = true)]
    names: Vec<String>,
}

pub(super) fn execute(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let client = Client::new(&arguments.socket);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("cannot start the runtime").map_err(Failure::Failed)?.block_on(async {
        match &arguments.command {
            Command::Create(arguments) => create::execute(&client, arguments).await,
            Command::List(List { output }) => {
                let list = client.json(Method::GET, TRACES, None).await?;
                match output {
                    Output::Text => output::print(&tables::list(&list)?),
                    Output::Json => output::print(&output::json(&list)?),
                }
            }
            Command::Show(Show { name, output }) => {
                let trace = client.json(Method::GET, &client::path(name), None).await?;
                match output {
                    Output::Text => output::print(&tables::trace(&trace)),
                    Output::Json => output::print(&output::json(&trace)?),
                }
            }
            Command::Delete(Delete { names }) => {
                for name in names {
                    client.json(Method::DELETE, &client::path(name), None).await?;
                }
                Ok(ExitCode::SUCCESS)
            }
            Command::Tail(arguments) => tail::execute(&client, arguments).await,
        }
    })
}
