//! Fields of a tracepoint's hit. Its own ones are pairs, because only the running kernel knows them.

use std::borrow::Cow;

use doubleslit_common::kind::Kind;

use super::{Field, Value};
use crate::events::{event::Event, hit::Got, text::hex};

const KINDS: &[Kind] = &[Kind::Tracepoint];

/// Those that all tracepoints have, or the others.
fn pairs(event: &Event, common: bool) -> Option<Value<'_>> {
    let hit = event.hit()?;
    let of = hit.tracepoint.format.fields.iter().filter(|field| field.common == common);
    let pairs: Vec<_> = of.filter_map(|field| Some((field.name.as_str(), hit.value(field)?))).collect();
    (!pairs.is_empty()).then_some(Value::Pairs(pairs))
}

/// The names of those of which there is so much.
fn names(event: &Event, got: Got) -> Option<Value<'_>> {
    let hit = event.hit()?;
    let of = hit.tracepoint.format.fields.iter().filter(|field| hit.got(field) == got);
    let names: Vec<_> = of.map(|field| field.name.clone()).collect();
    (!names.is_empty()).then_some(Value::Texts(Cow::Owned(names)))
}

/// The fields.
pub(super) static FIELDS: &[Field] = &[
    Field {
        name: "tracepoint",
        attribute: "doubleslit.trace.tracepoint",
        help: "Name of the tracepoint, such as `sched:sched_process_fork`",
        kinds: KINDS,
        value: |event| Value::made(event.hit()?.tracepoint.name.to_string()),
    },
    Field {
        name: "fields",
        attribute: "doubleslit.trace.fields",
        help: "Values of its own fields by their names, which `doubleslit tracepoints show` lists: numbers, texts, addresses as \
               hexadecimal numbers, and other bytes in hexadecimal digits. In place of an address of a text that the process hands \
               over there is the text",
        kinds: KINDS,
        value: |event| pairs(event, false),
    },
    Field {
        name: "fields_cut",
        attribute: "doubleslit.trace.cut",
        help: "Names of those of its fields that are not whole: texts longer than 4 KiB, and what lies behind 8 KiB of a record",
        kinds: KINDS,
        value: |event| names(event, Got::Cut),
    },
    Field {
        name: "fields_unread",
        attribute: "doubleslit.trace.unread",
        help: "Names of those of its fields that are addresses of texts which could not be read",
        kinds: KINDS,
        value: |event| names(event, Got::Unread),
    },
    Field {
        name: "common_fields",
        attribute: "doubleslit.trace.common_fields",
        help: "Values of the fields that all tracepoints have: the tracepoint's number and the thread's id. The kernel tells no \
               program the others",
        kinds: KINDS,
        value: |event| pairs(event, true),
    },
    Field {
        name: "raw",
        attribute: "doubleslit.trace.raw",
        help: "The record in hexadecimal digits, if asked",
        kinds: KINDS,
        value: |event| event.hit().filter(|hit| hit.tracepoint.raw).and_then(|hit| Value::made(hex(hit.raw()))),
    },
];
