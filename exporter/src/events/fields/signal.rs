//! Fields of signals. The process of the event is the signal's target.

use std::borrow::Cow;

use doubleslit_common::{kind::Kind, probes::signal::SignalResult};

use super::{Field, Value};
use crate::{
    events::{
        event::{Details, Event, Sender, Signal, SignalDeliver, SignalGenerate},
        signals::{code_name, flag_names},
        text::terminated,
    },
    probes::signal::name,
};

const KINDS: &[Kind] = &[Kind::SignalGenerate, Kind::SignalDeliver];
const GENERATED: &[Kind] = &[Kind::SignalGenerate];
const DELIVERED: &[Kind] = &[Kind::SignalDeliver];

fn signal(event: &Event) -> Option<Signal> {
    match &event.details {
        Details::SignalGenerate(generated) => Some(generated.signal),
        Details::SignalDeliver(delivered) => Some(delivered.signal),
        _ => None,
    }
}

fn generated(event: &Event) -> Option<&SignalGenerate> {
    if let Details::SignalGenerate(generated) = &event.details { Some(generated) } else { None }
}

fn sender(event: &Event) -> Option<&Sender> {
    generated(event)?.sender.as_ref()
}

fn delivered(event: &Event) -> Option<&SignalDeliver> {
    if let Details::SignalDeliver(delivered) = &event.details { Some(delivered) } else { None }
}

/// The fields of the signal itself.
pub(super) static FIELDS: &[Field] = &[
    Field {
        name: "signal",
        attribute: "doubleslit.signal.name",
        help: "Name of the signal",
        kinds: KINDS,
        value: |event| Value::name(name(signal(event)?.number)),
    },
    Field {
        name: "signal_number",
        attribute: "doubleslit.signal.number",
        help: "Number of the signal",
        kinds: KINDS,
        value: |event| Value::number(signal(event)?.number),
    },
    Field {
        name: "code",
        attribute: "doubleslit.signal.code_name",
        help: "Why it was sent, by name (`si_code`)",
        kinds: KINDS,
        value: |event| {
            let signal = signal(event)?;
            Value::name(code_name(signal.number, signal.code)?)
        },
    },
    Field {
        name: "code_number",
        attribute: "doubleslit.signal.code",
        help: "Why it was sent (`si_code`)",
        kinds: KINDS,
        value: |event| Value::number(signal(event)?.code),
    },
    Field {
        name: "signal_errno",
        attribute: "doubleslit.signal.errno",
        help: "Error that it was sent for (`si_errno`)",
        kinds: KINDS,
        value: |event| Value::number(signal(event)?.errno),
    },
    Field {
        name: "result",
        attribute: "doubleslit.signal.result",
        help: "What became of it when it was generated",
        kinds: GENERATED,
        value: |event| Value::name(generated(event)?.result.map_or("other", SignalResult::name)),
    },
    Field {
        name: "to_process",
        attribute: "doubleslit.signal.group",
        help: "Whether it is for the process, not for the one thread",
        kinds: GENERATED,
        value: |event| Value::flag(generated(event)?.is_group),
    },
    Field {
        name: "handler",
        attribute: "doubleslit.signal.handler",
        help: "Address of its handler; 0 for the default action",
        kinds: DELIVERED,
        value: |event| Value::number(delivered(event)?.handler),
    },
    Field {
        name: "flags",
        attribute: "doubleslit.signal.flag_names",
        help: "Flags of its action (`sa_flags`), by name",
        kinds: DELIVERED,
        value: |event| Some(Value::Texts(Cow::Owned(flag_names(delivered(event)?.flags)))),
    },
    Field {
        name: "flags_number",
        attribute: "doubleslit.signal.flags",
        help: "Flags of its action (`sa_flags`)",
        kinds: DELIVERED,
        value: |event| Value::number(delivered(event)?.flags),
    },
];

/// The fields of the process that sent it.
pub(super) static SENDER: &[Field] = &[
    Field {
        name: "sender_kernel",
        attribute: "doubleslit.signal.sender.kernel",
        help: "Whether the kernel sent it: a fault, a timer, a child's end",
        kinds: GENERATED,
        value: |event| Value::flag(generated(event)?.sender.is_none()),
    },
    Field {
        name: "sender_pid",
        attribute: "doubleslit.signal.sender.pid",
        help: "Id of the process that sent it",
        kinds: GENERATED,
        value: |event| Value::number(sender(event)?.record.pid),
    },
    Field {
        name: "sender_tid",
        attribute: "doubleslit.signal.sender.thread.id",
        help: "Id of the thread that sent it",
        kinds: GENERATED,
        value: |event| Value::number(sender(event)?.record.tid),
    },
    Field {
        name: "sender_comm",
        attribute: "doubleslit.signal.sender.comm",
        help: "Name of the thread that sent it, at most 15 bytes",
        kinds: GENERATED,
        value: |event| Value::made(terminated(&sender(event)?.record.comm)),
    },
    Field {
        name: "sender_executable",
        attribute: "doubleslit.signal.sender.executable.name",
        help: "Name of the file that this process executes, at most 63 bytes",
        kinds: GENERATED,
        value: |event| Value::made(terminated(&sender(event)?.record.executable)),
    },
    Field {
        name: "sender_uid",
        attribute: "doubleslit.signal.sender.real_user.id",
        help: "Real user that sent it",
        kinds: GENERATED,
        value: |event| Value::number(sender(event)?.record.real_uid),
    },
    Field {
        name: "sender_cgroup_id",
        attribute: "doubleslit.signal.sender.cgroup.id",
        help: "Id of the cgroup that it was sent from",
        kinds: GENERATED,
        value: |event| Value::number(sender(event)?.record.cgroup),
    },
    Field {
        name: "sender_container_id",
        attribute: "doubleslit.signal.sender.container.id",
        help: "Id of the container that it was sent from",
        kinds: GENERATED,
        value: |event| Value::text(&sender(event)?.identity.container_id),
    },
    Field {
        name: "sender_container",
        attribute: "doubleslit.signal.sender.container.name",
        help: "Name of the container that it was sent from",
        kinds: GENERATED,
        value: |event| Value::text(&sender(event)?.identity.container),
    },
];
