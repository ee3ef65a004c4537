//! `doubleslit check`.

use std::{fmt::Write, process::ExitCode};

use clap::Args;

use super::{ConfigArguments, Failure};
use crate::{
    config::Flags,
    prerequisites::{self, Check, Outcome, Roots},
};

/// The flags of `check`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,
}

pub(super) fn execute(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let config = arguments.config.load(&Flags::default())?;
    let identity = &config.identity;
    let checks = prerequisites::all(&Roots::real(&identity.host_root, &identity.docker_root));
    print!("{}", report(&checks));
    Ok(if prerequisites::missing(&checks).is_some() { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// One line for each check.
pub(super) fn report(checks: &[Check]) -> String {
    let mut report = String::new();
    for Check { name, required, outcome } in checks {
        let (verdict, text) = match (outcome, required) {
            (Outcome::Pass(found), _) => ("pass", found.clone()),
            (Outcome::Fail { found, way_out }, true) => ("fail", format!("{found}: {way_out}")),
            (Outcome::Fail { found, way_out }, false) => ("fail", format!("{found} (optional): {way_out}")),
        };
        // Writing to a text cannot fail.
        let _ = writeln!(report, "{verdict}  {name:<14}  {text}");
    }
    report
}
