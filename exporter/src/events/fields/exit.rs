//! Fields of a process's end.

use doubleslit_common::kind::Kind;

use super::{Field, Value};
use crate::{
    events::event::{Details, End, Event, Exit},
    probes::signal::name,
};

const KINDS: &[Kind] = &[Kind::Exit];

fn exit(event: &Event) -> Option<&Exit> {
    if let Details::Exit(exit) = &event.details { Some(exit) } else { None }
}

/// The number of the signal that ended it, and whether its memory was dumped.
fn signal(event: &Event) -> Option<(u32, bool)> {
    match exit(event)?.end {
        End::Status(_) => None,
        End::Signal { number, is_core_dumped } => Some((number, is_core_dumped)),
    }
}

/// The fields.
pub(super) static FIELDS: &[Field] = &[
    Field {
        name: "exit_code",
        attribute: "process.exit.code",
        help: "Status with which the process ended by itself; of a container that stopped, that of its first process as the runtime \
               tells it: 128 and the signal's number where a signal ended it",
        kinds: &[Kind::Exit, Kind::ContainerStop],
        value: |event| match &event.details {
            Details::Exit(Exit { end: End::Status(status), .. }) => Value::number(*status),
            Details::ContainerStop(stop) => Value::number(stop.exit_code?),
            _ => None,
        },
    },
    Field {
        name: "exit_signal",
        attribute: "doubleslit.process.exit.signal_name",
        help: "Name of the signal that ended it",
        kinds: KINDS,
        value: |event| Value::name(name(signal(event)?.0)),
    },
    Field {
        name: "exit_signal_number",
        attribute: "doubleslit.process.exit.signal",
        help: "Number of that signal",
        kinds: KINDS,
        value: |event| Value::number(signal(event)?.0),
    },
    Field {
        name: "core_dumped",
        attribute: "doubleslit.process.exit.core_dumped",
        help: "Whether the signal had its memory dumped",
        kinds: KINDS,
        value: |event| Value::flag(signal(event)?.1),
    },
    Field {
        name: "oom_killed",
        attribute: "doubleslit.process.oom_killed",
        help: "Whether the OOM killer killed it",
        kinds: KINDS,
        value: |event| Value::flag(exit(event)?.is_oom_killed),
    },
    Field {
        name: "exited",
        attribute: "process.exit.time",
        help: "When it ended",
        kinds: KINDS,
        value: |event| exit(event).and_then(|_| Value::time(event.time)),
    },
    Field {
        name: "lifetime",
        attribute: "doubleslit.process.runtime_seconds",
        help: "Seconds from its beginning to its end",
        kinds: KINDS,
        value: |event| Some(Value::Decimal(exit(event)?.lifetime.as_secs_f64())),
    },
];
