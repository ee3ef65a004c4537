//! Fields of an execution.

use std::borrow::Cow;

use doubleslit_common::kind::Kind;

use super::{Field, Value};
use crate::events::event::{Details, Event, Exec};

const KINDS: &[Kind] = &[Kind::Exec];

fn exec(event: &Event) -> Option<&Exec> {
    if let Details::Exec(exec) = &event.details { Some(exec) } else { None }
}

/// The fields.
pub(super) static FIELDS: &[Field] = &[
    Field {
        name: "path",
        attribute: "process.executable.path",
        help: "Path of the executed file, as it was given",
        kinds: KINDS,
        value: |event| Value::text(&exec(event)?.path),
    },
    Field {
        name: "executable",
        attribute: "process.executable.name",
        help: "Last part of that path",
        kinds: KINDS,
        value: |event| Value::text(exec(event)?.path.rsplit('/').next()?),
    },
    Field {
        name: "interpreter",
        attribute: "doubleslit.process.interpreter",
        help: "Path of the interpreter of a script",
        kinds: KINDS,
        value: |event| Value::text(exec(event)?.interpreter.as_deref()?),
    },
    Field {
        name: "command",
        attribute: "process.command",
        help: "First argument: the name that the program is told; only when arguments are asked for",
        kinds: KINDS,
        value: |event| Value::text(exec(event)?.arguments.as_ref()?.first()?),
    },
    Field {
        name: "args",
        attribute: "process.command_args",
        help: "Arguments, the first one included; only when they are asked for",
        kinds: KINDS,
        value: |event| exec(event)?.arguments.as_deref().map(|arguments| Value::Texts(Cow::Borrowed(arguments))),
    },
    Field {
        name: "args_count",
        attribute: "process.args_count",
        help: "How many arguments there are",
        kinds: KINDS,
        value: |event| Value::number(exec(event)?.count),
    },
    Field {
        name: "args_cut",
        attribute: "doubleslit.process.command_args.truncated",
        help: "Whether the last arguments are missing or cut; only when arguments are asked for",
        kinds: KINDS,
        value: |event| exec(event).filter(|exec| exec.arguments.is_some()).map(|exec| Value::Flag(exec.is_cut)),
    },
    Field {
        name: "cwd",
        attribute: "process.working_directory",
        help: "Working directory, as the process sees it; only when it is asked for",
        kinds: KINDS,
        value: |event| Value::text(exec(event)?.directory.as_deref()?),
    },
    Field {
        name: "cwd_cut",
        attribute: "doubleslit.process.working_directory.truncated",
        help: "Whether the beginning of that directory is missing: it is too deep, or not below the process's root",
        kinds: KINDS,
        value: |event| Value::flag(!exec(event)?.directory.as_deref()?.starts_with('/')),
    },
];
