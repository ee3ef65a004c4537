//! Fields of a system call.

use std::borrow::Cow;

use doubleslit_common::kind::Kind;

use super::{Field, Value};
use crate::{
    events::{
        event::{Details, Event, Syscall},
        syscalls::{Argument, Decoded},
    },
    probes::syscall::error_name,
};

const KINDS: &[Kind] = &[Kind::Syscall];

fn syscall(event: &Event) -> Option<&Syscall> {
    if let Details::Syscall(syscall) = &event.details { Some(syscall) } else { None }
}

fn shown(value: &Decoded) -> Value<'_> {
    match value {
        Decoded::Text(text) => Value::Text(Cow::Borrowed(text)),
        Decoded::Number(number) => Value::Number(*number),
        Decoded::Texts(texts) => Value::Texts(Cow::Borrowed(texts)),
        Decoded::Fields(fields) => Value::Pairs(fields.iter().map(|(name, value)| (*name, shown(value))).collect()),
    }
}

/// Something of each argument, by its name; nothing when there is none.
fn pairs<'a>(event: &'a Event, of: impl Fn(&'a Argument) -> Option<Value<'a>>) -> Option<Value<'a>> {
    let arguments = syscall(event)?.arguments.iter();
    let pairs: Vec<_> =
        arguments.filter_map(|argument| Some((argument.declared.name.as_str(), of(argument)?))).collect();
    (!pairs.is_empty()).then_some(Value::Pairs(pairs))
}

/// The names of some arguments; nothing when there are none.
fn names(event: &Event, which: fn(&Argument) -> bool) -> Option<Value<'_>> {
    let arguments = syscall(event)?.arguments.iter().filter(|argument| which(argument));
    let names: Vec<_> = arguments.map(|argument| argument.declared.name.clone()).collect();
    (!names.is_empty()).then_some(Value::Texts(names.into()))
}

/// The fields.
pub(super) static FIELDS: &[Field] = &[
    Field {
        name: "syscall",
        attribute: "doubleslit.syscall.name",
        help: "Name of the call; its number where it has no name, and `compat` for all 32-bit calls",
        kinds: KINDS,
        value: |event| Value::name(syscall(event)?.name()),
    },
    Field {
        name: "syscall_number",
        attribute: "doubleslit.syscall.number",
        help: "Number of the call",
        kinds: KINDS,
        value: |event| Value::number(syscall(event)?.number),
    },
    Field {
        name: "arguments",
        attribute: "doubleslit.syscall.arguments",
        help: "Arguments, by the names that the kernel has for them",
        kinds: KINDS,
        value: |event| pairs(event, |argument| Some(shown(&argument.value))),
    },
    Field {
        name: "argument_types",
        attribute: "doubleslit.syscall.argument_types",
        help: "Types of the arguments, as the kernel declares them",
        kinds: KINDS,
        value: |event| pairs(event, |argument| Value::text(&argument.declared.ctype)),
    },
    Field {
        name: "arguments_cut",
        attribute: "doubleslit.syscall.truncated_arguments",
        help: "Names of the arguments of which there is more than is shown",
        kinds: KINDS,
        value: |event| names(event, |argument| argument.is_cut),
    },
    Field {
        name: "arguments_unreadable",
        attribute: "doubleslit.syscall.unreadable_arguments",
        help: "Names of the arguments that point to memory which could not be read; their value is the address",
        kinds: KINDS,
        value: |event| names(event, |argument| argument.is_unreadable),
    },
    Field {
        name: "return_value",
        attribute: "doubleslit.syscall.return_value",
        help: "What it returned; nothing for a call that never returns",
        kinds: KINDS,
        value: |event| Value::number(syscall(event)?.result?),
    },
    Field {
        name: "errno",
        attribute: "doubleslit.syscall.errno",
        help: "Name of the error, or `OK`; nothing for a call that never returns",
        kinds: KINDS,
        value: |event| Value::name(error_name(syscall(event)?.error()?)),
    },
    Field {
        name: "began",
        attribute: "doubleslit.syscall.start_time",
        help: "When it began; nothing where that was not seen: before anybody listened, or because seccomp refused it",
        kinds: KINDS,
        value: |event| syscall(event)?.began.and_then(Value::time),
    },
    Field {
        name: "duration",
        attribute: "doubleslit.syscall.duration_seconds",
        help: "Seconds from its beginning to its return; nothing where one of these was not seen",
        kinds: KINDS,
        value: |event| Some(Value::Decimal(syscall(event)?.duration?.as_secs_f64())),
    },
];
