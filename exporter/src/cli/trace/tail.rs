//! `doubleslit trace tail`.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use anyhow::Context as _;
use clap::{Args, ColorChoice};
use http_body_util::BodyExt as _;

use super::client::{self, Client};
use crate::{
    app,
    cli::{Failure, color, output::Output},
};

/// The flags of `trace tail`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Name of the trace
    name: String,

    #[command(flatten)]
    form: Form,
}

/// How events look.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Form {
    /// Form of what is printed; events are one line each
    #[arg(short, long, value_enum, value_name = "FORM", default_value_t)]
    pub(super) output: Output,

    /// When to colour text; without it, on a terminal unless NO_COLOR is set
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = ColorChoice::Auto)]
    color: ColorChoice,
}

pub(super) async fn execute(client: &Client, arguments: &Arguments) -> Result<ExitCode, Failure> {
    print(client, &arguments.name, arguments.form).await?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the events of a trace until it ends, or until nobody reads them any more.
pub(super) async fn print(client: &Client, name: &str, form: Form) -> Result<(), Failure> {
    let accept = match form.output {
        Output::Text => "text/plain",
        Output::Json => "application/x-ndjson",
    };
    let path = format!("{}/events?color={}", client::path(name), color::wanted(form.color));
    let unread = app::unread().context("cannot start a thread").map_err(Failure::Failed)?;
    tokio::select! {
        result = copy(client, &path, accept) => result,
        () = unread => Ok(()),
    }
}

/// Copies a stream to standard output.
async fn copy(client: &Client, path: &str, accept: &str) -> Result<(), Failure> {
    let mut events = client.stream(path, accept).await?;
    while let Some(frame) = events.frame().await {
        let Ok(lines) = frame.map_err(|error| client.broken(error))?.into_data() else { continue };
        let mut output = io::stdout().lock();
        match output.write_all(&lines).and_then(|()| output.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            result => result.context("cannot write events").map_err(Failure::Failed)?,
        }
    }
    Ok(())
}
