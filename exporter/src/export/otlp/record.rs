//! From an event to a log record.

use std::{collections::BTreeMap, sync::Arc, time::SystemTime};

use arc_swap::ArcSwap;
use doubleslit_common::kind::Kind;
use prost::{Message as _, bytes::Bytes};

use super::{
    messages::{AnyValue, Attribute, List, LogRecord, Pairs, Value, nanoseconds},
    resource::Describer,
};
use crate::{
    config::{Config, otlp::Describes},
    events::{
        event::Event,
        fields::{self, Value as FieldValue},
    },
};

const INFO: i32 = 9;
const WARN: i32 = 13;
const ERROR: i32 = 17;

/// A log record, encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// Its resource.
    pub(super) resource: Bytes,
    /// The record.
    pub(super) body: Bytes,
}

/// Makes log records.
#[derive(Clone, Debug)]
pub struct Recorder {
    describer: Describer,
    describes: Describes,
    shown: ShownLabels,
}

/// The labels of containers and pods that records show. Clones are the same.
#[derive(Clone, Debug)]
pub struct ShownLabels(Arc<ArcSwap<Vec<String>>>);

impl ShownLabels {
    fn of(config: &Config) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(shown_labels(config))))
    }

    /// Shows those of another configuration from now on.
    pub fn set(&self, config: &Config) {
        self.0.store(Arc::new(shown_labels(config)));
    }
}

fn shown_labels(config: &Config) -> Vec<String> {
    let shown = config.identity.container_labels.iter().map(|label| label.key.clone());
    let mut labels: Vec<_> = shown.chain(config.identity.labels.extra.iter().map(|l| l.key.clone())).collect();
    labels.sort();
    labels.dedup();
    labels
}

impl Recorder {
    /// Makes them as the configuration has it.
    #[must_use]
    pub fn new(config: &Config, describer: Describer) -> Self {
        Self { describer, describes: config.otlp.identity, shown: ShownLabels::of(config) }
    }

    /// The labels that its records show, to change them.
    #[must_use]
    pub fn shown(&self) -> ShownLabels {
        self.shown.clone()
    }

    /// The record of an event that was seen at `observed`.
    pub(super) fn record(&self, event: &Event, observed: SystemTime) -> Record {
        let mut attributes = Vec::with_capacity(64);
        for (field, value) in fields::of(event) {
            attributes.push(Attribute::fixed(field.attribute, translated(value)));
        }
        let severity = severity(event.kind(), &attributes);
        self.add_labels(event, &mut attributes);
        let resource = match self.describes {
            Describes::Attributes => self.describer.encoded(),
            Describes::Resource => {
                let (of_resource, of_record) =
                    attributes.into_iter().partition(|attribute| is_identity(&attribute.key));
                attributes = of_record;
                self.describer.with(of_resource)
            }
        };
        let record = LogRecord {
            time: nanoseconds(event.time),
            severity,
            attributes,
            observed_time: nanoseconds(observed),
            event_name: Bytes::from_static(event_name(event.kind()).as_bytes()),
        };
        Record { resource, body: record.encode_to_vec().into() }
    }

    fn add_labels(&self, event: &Event, attributes: &mut Vec<Attribute>) {
        let shown = self.shown.0.load();
        let mut add = |prefix: &str, labels: &BTreeMap<String, String>| {
            for (key, value) in shown.iter().filter_map(|key| labels.get_key_value(key)) {
                attributes.push(Attribute::text(format!("{prefix}{key}"), value));
            }
        };
        add("container.label.", &event.identity.container_labels);
        add("k8s.pod.label.", &event.identity.pod_labels);
    }
}

/// Whether an attribute describes the container or its pod.
fn is_identity(key: &[u8]) -> bool {
    key.starts_with(b"container.") || key.starts_with(b"k8s.")
}

fn translated(value: FieldValue<'_>) -> Value {
    match value {
        FieldValue::Text(text) => Value::text(&text),
        // The protocol's numbers have a sign and 64 bits. What is larger stays exact as a text.
        FieldValue::Number(number) => {
            i64::try_from(number).map_or_else(|_| Value::text(&number.to_string()), Value::Number)
        }
        FieldValue::Decimal(number) => Value::Decimal(number),
        FieldValue::Flag(flag) => Value::Flag(flag),
        FieldValue::Texts(texts) => {
            let values = texts.iter().map(|text| AnyValue { value: Some(Value::text(text)) });
            Value::List(List { values: values.collect() })
        }
        FieldValue::Pairs(pairs) => {
            let values = pairs.into_iter().map(|(name, value)| Attribute {
                key: Bytes::copy_from_slice(name.as_bytes()),
                value: Some(AnyValue { value: Some(translated(value)) }),
            });
            Value::Pairs(Pairs { values: values.collect() })
        }
    }
}

/// How severe an event is: a death by a signal is a warning, one for want of memory an error.
fn severity(kind: Kind, attributes: &[Attribute]) -> i32 {
    let number = |key: &str| {
        let attribute = attributes.iter().find(|attribute| attribute.key == key.as_bytes())?;
        match attribute.value.as_ref()?.value {
            Some(Value::Number(number)) => Some(number),
            _ => None,
        }
    };
    match kind {
        Kind::OomKill => ERROR,
        Kind::Exit if number("doubleslit.process.exit.signal").is_some_and(|signal| signal > 0) => WARN,
        Kind::SignalDeliver if number("doubleslit.signal.handler").is_none_or(|handler| handler == 0) => {
            if number("doubleslit.signal.number").is_some_and(kills) { WARN } else { INFO }
        }
        _ => INFO,
    }
}

/// Whether a signal ends a process that does not handle it.
fn kills(signal: i64) -> bool {
    use libc::{SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG, SIGWINCH};
    ![SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG, SIGWINCH].map(i64::from).contains(&signal)
}

/// The name of a kind's events. It never changes.
#[must_use]
pub fn event_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Exec => "doubleslit.process.exec",
        Kind::Fork => "doubleslit.process.fork",
        Kind::Thread => "doubleslit.process.thread",
        Kind::Exit => "doubleslit.process.exit",
        Kind::OomKill => "doubleslit.process.oom_kill",
        Kind::SignalGenerate => "doubleslit.signal.generate",
        Kind::SignalDeliver => "doubleslit.signal.deliver",
        Kind::SocketState => "doubleslit.socket.state_change",
        Kind::TcpRetransmit => "doubleslit.tcp.retransmit",
        Kind::TcpResetSend => "doubleslit.tcp.reset_send",
        Kind::TcpResetReceive => "doubleslit.tcp.reset_receive",
        Kind::ContainerStart => "doubleslit.container.start",
        Kind::ContainerStop => "doubleslit.container.stop",
        Kind::Syscall => "doubleslit.syscall",
        Kind::SyscallTime => "doubleslit.syscall.time",
        Kind::SyscallUntimed => "doubleslit.syscall.untimed",
        Kind::SyscallLatency => "doubleslit.syscall.latency",
        Kind::EventLost => "doubleslit.event.lost",
        Kind::Tracepoint => "doubleslit.trace.hit",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_pairs_stay_what_they_are() {
        let number = |number: i128| translated(FieldValue::Number(number));
        assert_eq!(number(i64::MIN.into()), Value::Number(i64::MIN));
        assert_eq!(number(i64::MAX.into()), Value::Number(i64::MAX));
        assert_eq!(number(u64::MAX.into()), Value::text("18446744073709551615"));
        let inner = FieldValue::Pairs(vec![("port", FieldValue::Number(80))]);
        let pairs = translated(FieldValue::Pairs(vec![("fd", FieldValue::Number(-1)), ("address", inner)]));
        let inner = Value::Pairs(Pairs { values: vec![Attribute::fixed("port", Value::Number(80))] });
        let values = vec![Attribute::fixed("fd", Value::Number(-1)), Attribute::fixed("address", inner)];
        assert_eq!(pairs, Value::Pairs(Pairs { values }));
    }

    #[test]
    fn deaths_are_more_severe_than_other_events() {
        const EXIT: &str = "doubleslit.process.exit.signal";
        const HANDLER: &str = "doubleslit.signal.handler";
        const NUMBER: &str = "doubleslit.signal.number";
        for (kind, attributes, expected) in [
            (Kind::Exec, &[][..], INFO),
            (Kind::OomKill, &[], ERROR),
            (Kind::Exit, &[], INFO),
            (Kind::Exit, &[(EXIT, 9)], WARN),
            (Kind::SignalDeliver, &[(NUMBER, 15)], WARN),
            (Kind::SignalDeliver, &[(NUMBER, 15), (HANDLER, 0)], WARN),
            (Kind::SignalDeliver, &[(NUMBER, 15), (HANDLER, 4096)], INFO),
            (Kind::SignalDeliver, &[(NUMBER, 17), (HANDLER, 0)], INFO),
        ] {
            let attributes: Vec<_> =
                attributes.iter().map(|(key, number)| Attribute::fixed(key, Value::Number(*number))).collect();
            assert_eq!(severity(kind, &attributes), expected, "{kind:?} {attributes:?}");
        }
    }
}
