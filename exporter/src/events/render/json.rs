//! An event as a JSON object.

use super::{plain, quote::quoted};
use crate::events::{
    event::Event,
    fields::{self, Value},
    text::moment,
};

pub(super) fn write(event: &Event, line: &mut String) {
    line.push_str("{\"event\":\"");
    line.push_str(event.kind().name());
    line.push_str("\",\"time\":\"");
    plain(moment(event.time), line);
    line.push('"');
    for (field, value) in fields::of(event) {
        line.push_str(",\"");
        line.push_str(field.attribute);
        line.push_str("\":");
        self::value(&value, line);
    }
    line.push('}');
}

/// Appends a value.
pub(super) fn value(value: &Value<'_>, line: &mut String) {
    match value {
        Value::Text(text) => quoted(text, line),
        Value::Number(number) => plain(number, line),
        Value::Decimal(number) if number.is_finite() => plain(number, line),
        Value::Decimal(_) => line.push_str("null"),
        Value::Flag(flag) => plain(flag, line),
        Value::Texts(texts) => list(texts, line),
        Value::Pairs(pairs) => {
            line.push('{');
            for (at, (name, value)) in pairs.iter().enumerate() {
                if at > 0 {
                    line.push(',');
                }
                quoted(name, line);
                line.push(':');
                self::value(value, line);
            }
            line.push('}');
        }
    }
}

/// Appends several texts.
pub(super) fn list(texts: &[String], line: &mut String) {
    line.push('[');
    for (at, text) in texts.iter().enumerate() {
        if at > 0 {
            line.push(',');
        }
        quoted(text, line);
    }
    line.push(']');
}
