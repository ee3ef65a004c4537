//! The fields of events: their names in filters and on a terminal, their attributes in OpenTelemetry, and their values.
//!
//! One table serves filters, JSON, logfmt, log export and the reference documentation.

mod common;
mod container;
mod exec;
mod exit;
mod oom;
mod process;
mod signal;
mod socket;
mod syscall;
mod tracepoint;

use std::{borrow::Cow, sync::LazyLock, time::SystemTime};

use doubleslit_common::kind::Kind;

use super::{event::Event, text::moment};

/// A field of events.
#[derive(Debug)]
pub struct Field {
    /// Its name in filters, in logfmt and on a terminal.
    pub name: &'static str,
    /// The OpenTelemetry attribute, which is also its key in JSON.
    pub attribute: &'static str,
    /// What it tells: one sentence without the final full stop.
    pub help: &'static str,
    /// The kinds of events that have it.
    pub kinds: &'static [Kind],
    /// Its value; nothing where an event has none.
    pub value: for<'a> fn(&'a Event) -> Option<Value<'a>>,
}

/// The value of a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// Text.
    Text(Cow<'a, str>),
    /// A number: any that has 64 bits, with a sign or without.
    Number(i128),
    /// Seconds or another quantity that is no whole number.
    Decimal(f64),
    /// Yes or no.
    Flag(bool),
    /// Several texts.
    Texts(Cow<'a, [String]>),
    /// Values whose names are only known when the event is: words without spaces, `=` or dots.
    Pairs(Vec<(&'a str, Value<'a>)>),
}

impl<'a> Value<'a> {
    /// A text; nothing when it is empty.
    #[must_use]
    pub fn text(text: &'a str) -> Option<Self> {
        (!text.is_empty()).then_some(Self::Text(Cow::Borrowed(text)))
    }

    /// A number.
    pub fn number(number: impl Into<i128>) -> Option<Self> {
        Some(Self::Number(number.into()))
    }

    /// The value with this name among pairs, or with a name such as `outer.inner` among pairs within pairs.
    #[must_use]
    pub fn part(&self, name: &str) -> Option<&Self> {
        let Self::Pairs(pairs) = self else { return None };
        let (first, rest) = name.split_once('.').map_or((name, None), |(first, rest)| (first, Some(rest)));
        let (_, value) = pairs.iter().find(|(name, _)| *name == first)?;
        rest.map_or(Some(value), |rest| value.part(rest))
    }

    /// A name.
    #[expect(clippy::unnecessary_wraps, reason = "most fields end with this call")]
    pub(super) const fn name(name: &'static str) -> Option<Self> {
        Some(Self::Text(Cow::Borrowed(name)))
    }

    /// A text that may have been made for it; nothing when it is empty.
    pub(super) fn made(text: impl Into<Cow<'a, str>>) -> Option<Self> {
        let text = text.into();
        (!text.is_empty()).then_some(Self::Text(text))
    }

    /// A time of day.
    pub(super) fn time(time: SystemTime) -> Option<Self> {
        Self::made(moment(time).to_string())
    }

    /// Yes or no.
    #[expect(clippy::unnecessary_wraps, reason = "most fields end with this call")]
    pub(super) const fn flag(flag: bool) -> Option<Self> {
        Some(Self::Flag(flag))
    }
}

/// Every kind that is sent as a single event.
pub const KINDS: &[Kind] = &[
    Kind::Exec,
    Kind::Fork,
    Kind::Thread,
    Kind::Exit,
    Kind::OomKill,
    Kind::SignalGenerate,
    Kind::SignalDeliver,
    Kind::SocketState,
    Kind::TcpRetransmit,
    Kind::TcpResetReceive,
    Kind::ContainerStart,
    Kind::ContainerStop,
    Kind::Syscall,
    Kind::Tracepoint,
];

/// Those that are about a process; changes of a socket's state only where one does it.
const OF_PROCESSES: &[Kind] = &[
    Kind::Exec,
    Kind::Fork,
    Kind::Thread,
    Kind::Exit,
    Kind::OomKill,
    Kind::SignalGenerate,
    Kind::SignalDeliver,
    Kind::SocketState,
    Kind::Syscall,
    Kind::Tracepoint,
];

/// Those that are about a socket.
const OF_SOCKETS: &[Kind] = &[Kind::SocketState, Kind::TcpRetransmit, Kind::TcpResetReceive];

/// Those that tell a process and its namespaces.
const WITH_NAMESPACES: &[Kind] = &[
    Kind::Exec,
    Kind::Fork,
    Kind::Thread,
    Kind::Exit,
    Kind::OomKill,
    Kind::SignalGenerate,
    Kind::SignalDeliver,
    Kind::SocketState,
    Kind::ContainerStart,
    Kind::Syscall,
    Kind::Tracepoint,
];

/// Those that the kernel sends.
const OF_KERNEL: &[Kind] = &[
    Kind::Exec,
    Kind::Fork,
    Kind::Thread,
    Kind::Exit,
    Kind::OomKill,
    Kind::SignalGenerate,
    Kind::SignalDeliver,
    Kind::SocketState,
    Kind::TcpRetransmit,
    Kind::TcpResetReceive,
    Kind::Syscall,
    Kind::Tracepoint,
];

/// Every field, in the order in which they are written.
pub fn all() -> impl Iterator<Item = &'static Field> {
    [
        common::FIELDS,
        process::FIELDS,
        exec::FIELDS,
        exit::FIELDS,
        oom::FIELDS,
        signal::FIELDS,
        signal::SENDER,
        socket::FIELDS,
        container::FIELDS,
        syscall::FIELDS,
        tracepoint::FIELDS,
    ]
    .into_iter()
    .flatten()
}

/// Whether a field tells what happened; the others tell to whom.
#[must_use]
pub fn is_of_kind(field: &Field) -> bool {
    let mut shared = common::FIELDS.iter().chain(process::FIELDS);
    !shared.any(|other| std::ptr::eq(other, field))
}

/// The fields of a kind, in the order in which they are written.
#[must_use]
pub fn of_kind(kind: Kind) -> &'static [&'static Field] {
    static OF_KIND: LazyLock<[Vec<&'static Field>; Kind::COUNT]> =
        LazyLock::new(|| Kind::ALL.map(|kind| all().filter(|field| field.kinds.contains(&kind)).collect()));
    &OF_KIND[kind as usize]
}

/// The fields of an event that have a value, in the order in which they are written.
pub fn of(event: &Event) -> impl Iterator<Item = (&'static Field, Value<'_>)> {
    of_kind(event.kind()).iter().filter_map(move |field| Some((*field, (field.value)(event)?)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_name_and_an_attribute_are_one_fields() {
        for name in [|field: &Field| field.name, |field: &Field| field.attribute] {
            let names: BTreeSet<_> = all().map(name).collect();
            assert_eq!(names.len(), all().count());
        }
    }

    #[test]
    fn pairs_have_parts() {
        let inner = Value::Pairs(vec![("port", Value::Number(80))]);
        let pairs = Value::Pairs(vec![("fd", Value::Number(3)), ("address", inner.clone())]);
        for (name, expected) in [
            ("fd", Some(Value::Number(3))),
            ("address", Some(inner)),
            ("address.port", Some(Value::Number(80))),
            ("port", None),
            ("fd.port", None),
            ("address.", None),
        ] {
            assert_eq!(pairs.part(name), expected.as_ref(), "{name}");
        }
    }

    #[test]
    fn fields_are_of_kinds_that_are_sent() {
        assert!(all().flat_map(|field| field.kinds).all(|kind| KINDS.contains(kind)));
        assert!(all().all(|field| !field.help.ends_with('.')));
    }
}
