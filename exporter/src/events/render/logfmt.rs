//! An event as pairs `name=value`. A value with spaces or special characters is in quotes, as in JSON; several texts are a
//! JSON array in quotes. A field that is pairs itself has one for each, `field.name=value`.

use super::{json, plain, quote};
use crate::events::{
    event::Event,
    fields::{self, Value},
    text::moment,
};

pub(super) fn write(event: &Event, line: &mut String) {
    line.push_str("time=");
    plain(moment(event.time), line);
    line.push_str(" event=");
    line.push_str(event.kind().name());
    for (field, value) in fields::of(event) {
        pair(field.name, &value, line);
    }
}

/// Appends a value with its name and a space before it.
pub(super) fn pair(name: &str, value: &Value<'_>, line: &mut String) {
    match value {
        Value::Pairs(pairs) => {
            pairs.iter().for_each(|(inner, value)| pair(&format!("{name}.{inner}"), value, line));
        }
        single => {
            line.push(' ');
            line.push_str(name);
            line.push('=');
            self::value(single, line);
        }
    }
}

/// Appends a value that is one.
fn value(value: &Value<'_>, line: &mut String) {
    match value {
        Value::Text(text) => quote::word(text, &['='], line),
        Value::Number(number) => plain(number, line),
        Value::Decimal(number) => plain(number, line),
        Value::Flag(flag) => plain(flag, line),
        Value::Texts(texts) => {
            let mut array = String::new();
            json::list(texts, &mut array);
            quote::quoted(&array, line);
        }
        Value::Pairs(_) => {}
    }
}
