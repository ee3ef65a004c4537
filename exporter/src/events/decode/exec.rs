//! The record of an execution: [`doubleslit_common::probes::exec::Exec`] and what follows it.

use doubleslit_common::probes::exec::Exec as Fixed;

use super::{Decoded, Decoder, Reader};
use crate::events::{
    event::{Details, Exec},
    text::{before_nul, lossless},
};

pub(super) fn decode(decoder: Decoder, mut reader: Reader<'_>) -> Decoded {
    let fixed = reader.take::<Fixed>()?;
    let path = before_nul(reader.bytes(fixed.path_bytes)?);
    let interpreter = before_nul(reader.bytes(fixed.interpreter_bytes)?);
    let arguments = reader.bytes(fixed.arguments_bytes)?;
    let exec = Exec {
        path: lossless(path),
        interpreter: (interpreter != path).then(|| lossless(interpreter)),
        arguments: (!arguments.is_empty()).then(|| split(arguments)),
        is_cut: !arguments.is_empty() && fixed.arguments_bytes < fixed.arguments_total,
        count: fixed.arguments_count,
    };
    Some((Some(decoder.process(fixed.process)), Details::Exec(exec)))
}

/// The arguments in bytes, each with a NUL behind it but for a cut one.
fn split(bytes: &[u8]) -> Vec<String> {
    bytes.strip_suffix(b"\0").unwrap_or(bytes).split(|byte| *byte == 0).map(lossless).collect()
}
