//! Fields of a victim of the OOM killer.

use doubleslit_common::kind::Kind;

use super::{Field, Value};
use crate::events::event::{Details, Event, OomKill};

const KINDS: &[Kind] = &[Kind::OomKill];

fn kill(event: &Event) -> Option<&OomKill> {
    if let Details::OomKill(kill) = &event.details { Some(kill) } else { None }
}

/// A number of bytes.
macro_rules! bytes {
    ($name:literal, $attribute:literal, $help:literal, $field:ident) => {
        Field {
            name: $name,
            attribute: $attribute,
            help: $help,
            kinds: KINDS,
            value: |event| Value::number(kill(event)?.$field),
        }
    };
}

/// The fields.
pub(super) static FIELDS: &[Field] = &[
    bytes!("total_memory", "doubleslit.oom.memory.total", "Bytes of the victim's address space", total),
    bytes!(
        "anonymous_memory",
        "doubleslit.oom.memory.anonymous",
        "Bytes of its memory that belong to no file",
        anonymous
    ),
    bytes!("file_memory", "doubleslit.oom.memory.file", "Bytes of its memory that belong to files", file),
    bytes!("shared_memory", "doubleslit.oom.memory.shared", "Bytes of its shared memory", shared),
    bytes!("page_tables", "doubleslit.oom.memory.page_tables", "Bytes of its page tables", page_tables),
    Field {
        name: "oom_score_adj",
        attribute: "doubleslit.oom.score_adjustment",
        help: "By how much its owner has made it a more likely victim",
        kinds: KINDS,
        value: |event| Value::number(kill(event)?.score_adjustment),
    },
];
