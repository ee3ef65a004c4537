//! The event of a tracepoint's hit: [`doubleslit_common::probes::tracepoint::Hit`] and what follows it.

use std::sync::Arc;

use doubleslit_common::probes::tracepoint::Hit as Fixed;

use super::{Decoded, Decoder, Reader};
use crate::events::{event::Details, hit::Hit};

pub(super) fn decode(decoder: Decoder<'_>, mut reader: Reader<'_>) -> Decoded {
    let Fixed { header: _, process, tracepoint, record_bytes, texts } = reader.take()?;
    let tracepoint = decoder.tracepoints.get(tracepoint as usize)?;
    let record = reader.bytes(record_bytes)?.to_vec();
    let texts = tracepoint.texts().zip(texts).map(|(_, length)| reader.bytes(length).map(<[u8]>::to_vec));
    let texts = texts.collect::<Option<_>>()?;
    let hit = Hit::new(Arc::clone(tracepoint), process.tid, record, texts);
    Some((Some(decoder.process(process)), Details::Tracepoint(hit)))
}

#[cfg(test)]
mod tests;
