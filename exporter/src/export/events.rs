//! The metrics of single events: what became of them.

use std::fmt;

use super::{own, rows::Out};
use crate::events::account::{Account, DECODE, OfKind};

/// The ring, in the label `ringbuf`.
const RING: &str = "events";

pub(super) fn write(out: &mut Out<'_>, account: &Account) -> fmt::Result {
    let Account { kinds, unknown, missed, ring_bytes, waiting_bytes } = account;
    for (metric, number) in [
        (&own::EVENTS_GENERATED, (|kind| kind.generated) as fn(&OfKind) -> u64),
        (&own::EVENTS_RECEIVED, |kind| kind.received),
        (&own::EVENTS_SAMPLED_OUT, |kind| kind.sampled_out),
        (&own::EVENTS_FILTERED, |kind| kind.filtered),
    ] {
        let mut rows = out.own(metric);
        kinds.iter().try_for_each(|(kind, numbers)| rows.row(&[kind.name()], number(numbers)))?;
    }
    let mut rows = out.own(&own::EVENTS_LOST);
    for (kind, OfKind { lost, .. }) in kinds {
        lost.iter().try_for_each(|(reason, count)| rows.row(&[kind.name(), reason], *count))?;
    }
    rows.row(&["unknown", DECODE], *unknown)?;
    let mut rows = out.own(&own::EVENTS_MISSED);
    missed.iter().try_for_each(|(name, count)| rows.row(&[name], *count))?;
    out.own(&own::RINGBUF_SIZE).row(&[RING], *ring_bytes)?;
    out.own(&own::RINGBUF_USED).row(&[RING], *waiting_bytes)
}
