//! An event for people: when, what, whose, which process, and what matters for the kind.

use doubleslit_common::kind::Kind;

use super::{
    headline::{Part, parts},
    plain, quote,
};
use crate::{
    events::{
        event::Event,
        fields::{Field, Value},
        text::{before_nul, lossless, moment},
    },
    identity::{Identity, Scope, short_id},
};

/// Widths of the columns. What is wider shifts the rest of its line.
const KIND_WIDTH: usize = 15;
const OWNER_WIDTH: usize = 20;
const PID_WIDTH: usize = 7;
const COMM_WIDTH: usize = 15;

pub(super) fn write(event: &Event, is_colored: bool, line: &mut String) {
    let paint = Paint { is_colored };
    let kind = event.kind();
    // The time of day is enough to read along: `01:02:03.456Z` of `2026-01-02T01:02:03.456789012Z`.
    let time = moment(event.time).to_string();
    paint.within(DIM, line, |line| {
        line.push_str(&time[11..23]);
        line.push('Z');
    });
    line.push(' ');
    paint.within(color(kind), line, |line| column(KIND_WIDTH, line, |line| line.push_str(kind.name())));
    line.push(' ');
    let owner_color = if event.identity.scope == Scope::Host { DIM } else { BOLD };
    paint.within(owner_color, line, |line| column(OWNER_WIDTH, line, |line| owner(&event.identity, line)));
    line.push(' ');
    let (pid, comm) = match &event.process {
        Some(process) => (process.record.pid.to_string(), lossless(before_nul(&process.record.comm))),
        None => ("-".to_owned(), "-".to_owned()),
    };
    plain(format_args!("{pid:>PID_WIDTH$} "), line);
    column(COMM_WIDTH, line, |line| quote::word(&comm, &['='], line));
    let start = line.len();
    for part in parts(kind) {
        // What has no value is left out.
        let _ = self::part(*part, event, paint, line);
    }
    if event.weight > 1 {
        named("weight", &Value::Number(event.weight.into()), paint, line);
    }
    if line.len() == start {
        line.truncate(line.trim_end().len());
    }
}

/// Appends whose it is.
fn owner(identity: &Identity, line: &mut String) {
    let Identity { scope, container_id, container, pod, namespace, .. } = identity;
    match scope {
        Scope::Host => return line.push_str("host"),
        Scope::Other => return line.push('?'),
        Scope::Pod | Scope::Container => {}
    }
    let container = if container.is_empty() { short_id(container_id) } else { container };
    let parts = [namespace.as_str(), pod, container].into_iter().filter(|part| !part.is_empty());
    for (at, part) in parts.enumerate() {
        if at > 0 {
            line.push('/');
        }
        quote::word(part, &[], line);
    }
}

/// Appends a part, each with a space before it.
pub(super) fn part(part: Part<&Field>, event: &Event, paint: Paint, line: &mut String) -> Option<()> {
    let of = |field: &Field| (field.value)(event);
    match part {
        Part::Bare(field) => spaced(&of(field)?, line),
        Part::Named(field) => match of(field)? {
            // Their own names say enough.
            Value::Pairs(pairs) => pairs.iter().for_each(|(name, value)| named(name, value, paint, line)),
            value => named(field.name, &value, paint, line),
        },
        Part::Endpoint(address, port) => {
            let (address, port) = (of(address)?, of(port)?);
            match address {
                Value::Text(address) if address.contains(':') => {
                    line.push_str(" [");
                    quote::word(&address, &[], line);
                    line.push_str("]:");
                }
                other => {
                    spaced(&other, line);
                    line.push(':');
                }
            }
            value(&port, line);
        }
        Part::Change(old, new) => {
            let new = of(new)?;
            match of(old) {
                Some(old) => spaced(&old, line),
                None => line.push(' '),
            }
            line.push_str("->");
            value(&new, line);
        }
    }
    Some(())
}

/// Appends a value with a space before it.
fn spaced(value: &Value<'_>, line: &mut String) {
    line.push(' ');
    self::value(value, line);
}

/// Appends a value with its name. Of flags only those that are set appear, by name alone.
fn named(name: &str, value: &Value<'_>, paint: Paint, line: &mut String) {
    if *value == Value::Flag(false) {
        return;
    }
    line.push(' ');
    if *value == Value::Flag(true) {
        return line.push_str(name);
    }
    paint.within(DIM, line, |line| {
        line.push_str(name);
        line.push('=');
    });
    self::value(value, line);
}

/// Appends a value.
pub(super) fn value(value: &Value<'_>, line: &mut String) {
    match value {
        Value::Text(text) => quote::word(text, &['='], line),
        Value::Number(number) => plain(number, line),
        // Below a millisecond, nanoseconds tell more.
        Value::Decimal(number) if *number > 0.0 && *number < 0.001 => plain(format_args!("{number:.9}"), line),
        Value::Decimal(number) => plain(format_args!("{number:.3}"), line),
        Value::Flag(flag) => plain(flag, line),
        Value::Texts(texts) => {
            line.push('[');
            for (at, text) in texts.iter().enumerate() {
                if at > 0 {
                    line.push(' ');
                }
                quote::word(text, &['[', ']'], line);
            }
            line.push(']');
        }
        Value::Pairs(pairs) => {
            line.push('{');
            for (at, (name, value)) in pairs.iter().enumerate() {
                if at > 0 {
                    line.push(' ');
                }
                line.push_str(name);
                line.push('=');
                self::value(value, line);
            }
            line.push('}');
        }
    }
}

/// Fills what was written with spaces up to a width.
fn column(width: usize, line: &mut String, write: impl FnOnce(&mut String)) {
    let start = line.len();
    write(line);
    let missing = width.saturating_sub(line[start..].chars().count());
    line.extend(std::iter::repeat_n(' ', missing));
}

/// Parameters of "select graphic rendition" (ECMA-48, 8.3.117).
const BOLD: &str = "1";
const DIM: &str = "2";
const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";
const MAGENTA: &str = "35";
const CYAN: &str = "36";

fn color(kind: Kind) -> &'static str {
    match kind {
        Kind::Exec | Kind::Fork | Kind::Thread | Kind::Exit => GREEN,
        Kind::OomKill | Kind::EventLost => RED,
        Kind::SignalGenerate | Kind::SignalDeliver => YELLOW,
        Kind::SocketState | Kind::TcpRetransmit | Kind::TcpResetSend | Kind::TcpResetReceive => CYAN,
        Kind::ContainerStart
        | Kind::ContainerStop
        | Kind::Syscall
        | Kind::SyscallTime
        | Kind::SyscallUntimed
        | Kind::SyscallLatency
        | Kind::Tracepoint => MAGENTA,
    }
}

/// Colours, where they are wanted.
#[derive(Clone, Copy)]
pub(super) struct Paint {
    pub(super) is_colored: bool,
}

impl Paint {
    fn within(self, color: &str, line: &mut String, write: impl FnOnce(&mut String)) {
        if self.is_colored {
            plain(format_args!("\x1b[{color}m"), line);
        }
        write(line);
        if self.is_colored {
            line.push_str("\x1b[0m");
        }
    }
}
