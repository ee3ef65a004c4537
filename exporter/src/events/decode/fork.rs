//! The record of a created process or thread.

use doubleslit_common::probes::fork::Fork;

use super::{Decoded, Decoder, Reader};
use crate::events::event::Details;

pub(super) fn decode(decoder: Decoder<'_>, mut reader: Reader<'_>, details: Details) -> Decoded {
    let Fork { header: _, process } = reader.take()?;
    Some((Some(decoder.process(process)), details))
}
