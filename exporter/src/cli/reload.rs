//! `doubleslit reload`.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::Args;
use http::Method;
use serde_json::Value;

use super::{Failure, client::Client, output};
use crate::{config, harmless::harmless, http::RELOAD};

/// The flags of `reload`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Socket of the exporter that is asked
    #[arg(long, value_name = "PATH", default_value = config::SOCKET)]
    socket: PathBuf,
}

pub(super) fn execute(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let client = Client::new(&arguments.socket);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let answer = runtime.context("cannot start the runtime").map_err(Failure::Failed)?.block_on(client.json(
        Method::POST,
        RELOAD,
        None,
    ))?;
    output::print(&report(&answer))
}

/// What applies from now on, line by line.
fn report(answer: &Value) -> String {
    let changed = answer["changed"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let lines: String = changed.map(|change| harmless(change) + "\n").collect();
    if lines.is_empty() { "nothing has changed\n".to_owned() } else { lines }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changes_are_told_line_by_line() {
        assert_eq!(report(&json!({"changed": []})), "nothing has changed\n");
        let changed = ["`log.level` was `info` and is `debug`", "`ignore` was `[]` and is `[{}]`\u{1b}"];
        let expected = "`log.level` was `info` and is `debug`\n`ignore` was `[]` and is `[{}]`\\u{1b}\n";
        assert_eq!(report(&json!({"changed": changed})), expected);
    }
}
