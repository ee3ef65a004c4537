//! A hit of a tracepoint, whose fields are read by their names.

use std::{borrow::Cow, sync::Arc};

use doubleslit_common::probes::tracepoint::TEXT_BYTES;

use super::{
    fields::Value,
    text::{hex, terminated},
};
use crate::tracepoints::{
    field::{Field, Shape},
    record::{Endian, FieldError, Record},
    traced::Traced,
};

/// Bytes at the beginning of a record in which the kernel hands a program an address of its own instead of the common fields
/// (`perf_trace_run_bpf_submit`, kernel/events/core.c).
const HIDDEN: usize = 8;

/// Those of the common fields whose values are known nevertheless: the tracepoint's number, and the thread.
const TOLD: [&str; 2] = ["common_type", "common_pid"];

/// A tracepoint was hit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Which, and what its fields are.
    pub tracepoint: Arc<Traced>,
    record: Vec<u8>,
    texts: Vec<Vec<u8>>,
}

/// How much of a field there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Got {
    /// All.
    Whole,
    /// Less.
    Cut,
    /// The address of a text that could not be read there.
    Unread,
}

impl Hit {
    /// The hit by this thread that has this record, as the kernel hands it to a program, and these texts: what was read at the
    /// addresses of [`Traced::texts`], with its NUL, or nothing.
    #[must_use]
    pub fn new(tracepoint: Arc<Traced>, thread: u32, mut record: Vec<u8>, texts: Vec<Vec<u8>>) -> Self {
        record.iter_mut().take(HIDDEN).for_each(|byte| *byte = 0);
        for (name, value) in TOLD.into_iter().zip([tracepoint.format.id, thread]) {
            let Some(field) = tracepoint.format.field(name) else { continue };
            let (value, size) = (value.to_ne_bytes(), field.size.min(4) as usize);
            let lower = if Endian::NATIVE == Endian::Big { &value[value.len() - size..] } else { &value[..size] };
            let place = record.iter_mut().skip(field.offset as usize).take(size);
            place.zip(lower).for_each(|(byte, value)| *byte = *value);
        }
        Self { tracepoint, record, texts }
    }

    /// The bytes of its record, from the first of the fields that all tracepoints have on. Where the kernel does not tell these,
    /// there are zeros.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.record
    }

    /// A number, of whatever width and sign, or an address.
    ///
    /// # Errors
    ///
    /// When there is no such field, when it is no number, or when the number is larger than the largest `i64`.
    pub fn int(&self, name: &str) -> Result<i64, FieldError> {
        self.told(name)?.int(name)
    }

    /// A number that is not negative, or an address.
    ///
    /// # Errors
    ///
    /// When there is no such field, when it is no number, or when the number is negative.
    pub fn uint(&self, name: &str) -> Result<u64, FieldError> {
        self.told(name)?.uint(name)
    }

    /// Any number or address.
    ///
    /// # Errors
    ///
    /// When there is no such field, or when it is no number.
    pub fn number(&self, name: &str) -> Result<i128, FieldError> {
        self.told(name)?.number(name)
    }

    /// A text, to its first NUL: characters of the record, or what is at the address of a text in the process's memory. Bytes
    /// that are no UTF-8 become `\xNN`.
    ///
    /// # Errors
    ///
    /// When there is no such field, when it is no text, or when the text could not be read at its address.
    pub fn str(&self, name: &str) -> Result<Cow<'_, str>, FieldError> {
        match self.followed(name)? {
            Some(text) => Ok(terminated(text)),
            None => self.told(name)?.text(name).map(terminated),
        }
    }

    /// The bytes of a field of any type: of an array its elements, of the address of a text the text, with its NUL.
    ///
    /// # Errors
    ///
    /// When there is no such field, or when the text could not be read at its address.
    pub fn bytes(&self, name: &str) -> Result<&[u8], FieldError> {
        match self.followed(name)? {
            Some(text) => Ok(text),
            None => self.told(name)?.bytes(name),
        }
    }

    /// Whether a field is there as a whole: neither cut, which long texts are, nor a text that could not be read.
    ///
    /// # Errors
    ///
    /// When there is no such field, or when the kernel does not tell it.
    pub fn is_whole(&self, name: &str) -> Result<bool, FieldError> {
        let field = self.told(name)?.field(name)?;
        Ok(self.got(field) == Got::Whole)
    }

    /// What is known of a field of its tracepoint; of the address of a text that was read, the text. Nothing where the record
    /// ends before it, and where the kernel does not tell.
    pub(super) fn value<'a>(&'a self, field: &Field) -> Option<Value<'a>> {
        let record = self.record();
        let content = record.content(field).ok().filter(|_| !is_hidden(field))?;
        if let Some(text @ [_, ..]) = self.text(field) {
            return Some(Value::Text(terminated(text)));
        }
        Some(match field.shape {
            Shape::Integer(_) => Value::Number(record.number_of(field).ok()?),
            Shape::Pointer => Value::Text(format!("{:#x}", record.number_of(field).ok()?).into()),
            Shape::Array { text: true } | Shape::Located { text: true, .. } => Value::Text(terminated(content)),
            Shape::Array { text: false } | Shape::Located { text: false, .. } | Shape::Opaque => {
                Value::Text(hex(content).into())
            }
        })
    }

    /// How much of a field of its tracepoint there is.
    pub(super) fn got(&self, field: &Field) -> Got {
        let record = self.record();
        match self.text(field) {
            // Nothing of it is missing that could be told.
            _ if is_hidden(field) => Got::Whole,
            _ if record.content(field).is_err() => Got::Cut,
            // Nothing is there where the address is none.
            Some([]) if record.number_of(field) != Ok(0) => Got::Unread,
            Some(text) if text.len() >= TEXT_BYTES => Got::Cut,
            _ => Got::Whole,
        }
    }

    fn record(&self) -> Record<'_> {
        let Traced { name, format, .. } = &*self.tracepoint;
        Record::new(name, format, &self.record, Endian::NATIVE)
    }

    /// Its record, if the kernel tells this field of it.
    fn told(&self, name: &str) -> Result<Record<'_>, FieldError> {
        let record = self.record();
        if is_hidden(record.field(name)?) {
            return Err(FieldError::Hidden { tracepoint: self.tracepoint.name.to_string(), field: name.to_owned() });
        }
        Ok(record)
    }

    /// What was read at the address that a field is; nothing where it is none that is followed.
    fn text(&self, field: &Field) -> Option<&[u8]> {
        let mut texts = self.tracepoint.texts().zip(&self.texts);
        texts.find(|(followed, _)| std::ptr::eq(*followed, field)).map(|(_, text)| text.as_slice())
    }

    /// The same by the field's name.
    fn followed(&self, name: &str) -> Result<Option<&[u8]>, FieldError> {
        let record = self.told(name)?;
        let Some(text) = self.text(record.field(name)?) else { return Ok(None) };
        let address = record.uint(name)?;
        if text.is_empty() {
            let (tracepoint, field) = (self.tracepoint.name.to_string(), name.to_owned());
            return Err(FieldError::Unread { tracepoint, field, address });
        }
        Ok(Some(text))
    }
}

/// Whether a field is one of those that all tracepoints have and whose values the kernel tells no program.
fn is_hidden(field: &Field) -> bool {
    field.common && !TOLD.contains(&field.name.as_str())
}

#[cfg(test)]
mod tests;
