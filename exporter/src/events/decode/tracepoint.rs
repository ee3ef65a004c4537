//! The event of a tracepoint's hit: [`doubleslit_common::probes::tracepoint::Hit`] and what follows it.

use std::sync::Arc;

use doubleslit_common::{
    event::Process,
    probes::tracepoint::{Hit as Fixed, TEXT_BYTES},
};

use super::{Decoded, Decoder, Reader};
use crate::{
    events::{
        event::{Details, Got, Hit, HitField},
        fields::Value,
        text::{before_nul, hex, lossless},
    },
    tracepoints::{
        field::{Field, Shape},
        record::{Endian, FieldError, Record},
        traced::Traced,
    },
};

/// Bytes at the beginning of a record in which the kernel hands a program an address of its own instead of the common fields
/// (`perf_trace_run_bpf_submit`, kernel/events/core.c).
const HIDDEN: usize = 8;

pub(super) fn decode(decoder: Decoder<'_>, mut reader: Reader<'_>) -> Decoded {
    let Fixed { header: _, process, tracepoint, record_bytes, texts } = reader.take()?;
    let tracepoint = decoder.tracepoints.get(tracepoint as usize)?;
    let mut bytes = reader.bytes(record_bytes)?.to_vec();
    tell_common(tracepoint, &process, &mut bytes);
    let mut texts = texts.into_iter();
    let record = Record::new(&tracepoint.format, &bytes, Endian::NATIVE);
    let mut followed = tracepoint.texts().peekable();
    let mut fields = Vec::with_capacity(tracepoint.format.fields.len());
    for field in &tracepoint.format.fields {
        let text = match followed.next_if(|followed| std::ptr::eq(*followed, field)) {
            Some(_) => Some(reader.bytes(texts.next()?)?),
            None => None,
        };
        fields.push(read(&record, field, text));
    }
    let raw = tracepoint.raw.then_some(bytes);
    let hit = Hit { tracepoint: Arc::clone(tracepoint), fields, raw };
    Some((Some(decoder.process(process)), Details::Tracepoint(hit)))
}

/// Whether a field is one of those that all tracepoints have and whose values the kernel tells no program.
fn is_hidden(field: &Field) -> bool {
    field.common && !matches!(field.name.as_str(), "common_type" | "common_pid")
}

/// Puts those values there that are known although the kernel hides them.
fn tell_common(tracepoint: &Traced, process: &Process, bytes: &mut [u8]) {
    bytes.iter_mut().take(HIDDEN).for_each(|byte| *byte = 0);
    for (name, value) in [("common_type", tracepoint.format.id), ("common_pid", process.tid)] {
        let Some(field) = tracepoint.format.field(name) else { continue };
        let (value, size) = (value.to_ne_bytes(), field.size.min(4) as usize);
        let lower = if Endian::NATIVE == Endian::Big { &value[value.len() - size..] } else { &value[..size] };
        let place = bytes.iter_mut().skip(field.offset as usize).take(size);
        place.zip(lower).for_each(|(byte, value)| *byte = *value);
    }
}

/// What is known of a field; of the address of a text that was read, the text.
fn read(record: &Record<'_>, field: &Field, text: Option<&[u8]>) -> HitField {
    let whole = |value| HitField { value: Some(value), got: Got::Whole };
    if is_hidden(field) {
        return HitField { value: None, got: Got::Whole };
    }
    match (value(record, field), text) {
        (Ok(value), None) => whole(value),
        // Nothing is there where the address is none.
        (Ok(value), Some([])) if record.uint(&field.name) == Ok(0) => whole(value),
        (Ok(value), Some([])) => HitField { value: Some(value), got: Got::Unread },
        (Ok(_), Some(text)) => {
            let got = if text.len() < TEXT_BYTES { Got::Whole } else { Got::Cut };
            HitField { value: Some(Value::Text(lossless(before_nul(text)).into())), got }
        }
        (Err(_), _) => HitField { value: None, got: Got::Cut },
    }
}

/// The value of a field as its bytes tell it.
fn value(record: &Record<'_>, field: &Field) -> Result<Value<'static>, FieldError> {
    let name = &field.name;
    Ok(match field.shape {
        Shape::Integer(_) => Value::Number(record.number(name)?),
        Shape::Pointer => Value::Text(format!("{:#x}", record.uint(name)?).into()),
        Shape::Array { text: true } | Shape::Located { text: true, .. } => {
            Value::Text(lossless(before_nul(record.bytes(name)?)).into())
        }
        Shape::Array { text: false } | Shape::Located { text: false, .. } | Shape::Opaque => {
            Value::Text(hex(record.bytes(name)?).into())
        }
    })
}

#[cfg(test)]
mod tests;
