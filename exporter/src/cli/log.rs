//! The log, on standard error.

use std::io::{self, IsTerminal};

use tracing_subscriber::{EnvFilter, fmt};

use crate::config::{Log, LogFormat, LogLevel};

/// Starts the log. A second call changes nothing.
pub(super) fn start(log: Log) {
    let builder = fmt()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_env_filter(EnvFilter::new(directives(log.level)));
    let started = match log.format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    debug_assert!(started.is_ok(), "the log is started once");
}

/// Libraries tell only what is wrong, unless everything is asked for.
fn directives(level: LogLevel) -> String {
    match level {
        LogLevel::Error => "error".to_owned(),
        LogLevel::Trace => "trace".to_owned(),
        LogLevel::Warn | LogLevel::Info | LogLevel::Debug => format!("warn,doubleslit={}", level.name()),
    }
}
