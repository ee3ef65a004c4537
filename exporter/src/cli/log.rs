//! The log, on standard error.

use std::io::{self, IsTerminal};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    Layer, filter::Targets, fmt, layer::SubscriberExt, registry, reload, util::SubscriberInitExt,
};

use crate::config::{Log, LogFormat, LogLevel};

/// Starts the log. A second call changes nothing. What is returned has it go on in another way.
pub(super) fn start(log: Log) -> impl Fn(Log) + Send + Sync + use<> {
    // Each form has its own, of which one is silent: what writes lines cannot be replaced, what keeps them back can.
    let (text, text_levels) = reload::Layer::new(targets(log, LogFormat::Text));
    let (json, json_levels) = reload::Layer::new(targets(log, LogFormat::Json));
    let is_terminal = io::stderr().is_terminal();
    let text = fmt::layer().with_writer(io::stderr).with_ansi(is_terminal).with_filter(text);
    let json = fmt::layer().with_writer(io::stderr).with_ansi(is_terminal).json().flatten_event(true).with_filter(json);
    // One upon the other: put together by `and_then` they would take the second one's level for that of both.
    let started = registry().with(text).with(json).try_init();
    debug_assert!(started.is_ok(), "the log is started once");
    move |log| {
        // They fail without a log, and then nobody would notice.
        let _ = text_levels.reload(targets(log, LogFormat::Text));
        let _ = json_levels.reload(targets(log, LogFormat::Json));
    }
}

/// What appears in a form. Libraries tell only what is wrong, unless everything is asked for.
fn targets(log: Log, format: LogFormat) -> Targets {
    if log.format != format {
        return Targets::new();
    }
    let own = match log.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let libraries = if log.level == LogLevel::Trace { own } else { own.min(LevelFilter::WARN) };
    Targets::new().with_default(libraries).with_target("doubleslit", own)
}
