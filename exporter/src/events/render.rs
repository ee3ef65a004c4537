//! An event as one line.
//!
//! Whoever runs a process or starts a container chooses names and arguments. None of them ends a line or steers a terminal.

mod headline;
mod json;
mod logfmt;
mod quote;
mod text;

#[cfg(test)]
mod tests;

use std::fmt;

use super::event::Event;

/// A form of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For people: columns, and behind them what matters for the kind.
    Text {
        /// Whether a terminal shall colour it.
        is_colored: bool,
    },
    /// One JSON object: the name of the event, its time, and its attributes by their names in OpenTelemetry, in the order of
    /// the table of fields.
    Json,
    /// Pairs `name=value` with the names of filters, in the same order.
    Logfmt,
}

impl Form {
    /// Appends an event as one line, with the line's end.
    pub fn write(self, event: &Event, lines: &mut String) {
        match self {
            Self::Text { is_colored } => text::write(event, is_colored, lines),
            Self::Json => json::write(event, lines),
            Self::Logfmt => logfmt::write(event, lines),
        }
        lines.push('\n');
    }
}

impl Event {
    /// The event as one line of JSON, without the line's end: see [`Form::Json`].
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut line = String::new();
        json::write(self, &mut line);
        line
    }
}

/// The event as one line for people, without colours.
impl fmt::Display for Event {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = String::new();
        text::write(self, false, &mut line);
        formatter.write_str(&line)
    }
}

/// Appends a number, or anything else whose text is known to be harmless.
fn plain(value: impl fmt::Display, line: &mut String) {
    use fmt::Write as _;
    // Writing to a text cannot fail.
    let _ = write!(line, "{value}");
}
