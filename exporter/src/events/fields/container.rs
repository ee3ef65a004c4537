//! Fields of a container's stop, beside the exit status of its first process.

use doubleslit_common::kind::Kind;

use super::{Field, Value};
use crate::{
    events::event::{Details, Event},
    lives::Stop,
};

const STOP: &[Kind] = &[Kind::ContainerStop];

fn stop(event: &Event) -> Option<&Stop> {
    match &event.details {
        Details::ContainerStop(stop) => Some(stop),
        _ => None,
    }
}

/// The fields.
pub(super) static FIELDS: &[Field] = &[
    Field {
        name: "stop_reason",
        attribute: "doubleslit.container.stop.reason",
        help: "Why the container stopped: `exited`, `killed` by a signal, `oom`, or `removed` where nobody told",
        kinds: STOP,
        value: |event| Value::text(stop(event)?.reason.name()),
    },
    Field {
        name: "container_lifetime",
        attribute: "doubleslit.container.lifetime_seconds",
        help: "How long the container was there, in seconds",
        kinds: STOP,
        value: |event| Some(Value::Decimal(stop(event)?.lifetime?.as_secs_f64())),
    },
];
