//! `doubleslit unpin`.

use std::process::ExitCode;

use clap::Args;

use super::{ConfigArguments, Failure};
use crate::{app, config::Flags};

/// The flags of `unpin`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,
}

pub(super) fn execute(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let path = arguments.config.load(&Flags::default())?.bpf.pin_path;
    let removed = app::unpin(&path).map_err(|error| Failure::Failed(error.into()))?;
    if removed == app::Removed::default() {
        println!("nothing is pinned in {}", path.display());
    } else {
        println!("removed from {}: {removed}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}
