//! Wiring: the only file that knows every part.

use crate::config::Config;

/// Runs until told to stop.
///
/// # Errors
///
/// When something that is needed cannot be had.
pub fn run(config: Config) -> anyhow::Result<()> {
    let _ = config;
    anyhow::bail!("nothing is wired yet")
}
