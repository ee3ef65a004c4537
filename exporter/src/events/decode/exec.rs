//! The record of an execution: [`doubleslit_common::probes::exec::Exec`] and what follows it.

use doubleslit_common::probes::exec::Exec as Fixed;

use super::{Decoded, Decoder, Reader};
use crate::events::{
    event::{Details, Exec},
    text::{before_nul, lossless},
};

pub(super) fn decode(decoder: Decoder<'_>, mut reader: Reader<'_>) -> Decoded {
    let fixed = reader.take::<Fixed>()?;
    let directories = reader.bytes(fixed.directory_bytes)?;
    let path = before_nul(reader.bytes(fixed.path_bytes)?);
    let interpreter = before_nul(reader.bytes(fixed.interpreter_bytes)?);
    let arguments = reader.bytes(fixed.arguments_bytes)?;
    let exec = Exec {
        path: lossless(path),
        interpreter: (interpreter != path).then(|| lossless(interpreter)),
        arguments: (!arguments.is_empty()).then(|| split(arguments)),
        is_cut: !arguments.is_empty() && fixed.arguments_bytes < fixed.arguments_total,
        count: fixed.arguments_count,
        directory: (!directories.is_empty()).then(|| joined(directories)),
    };
    Some((Some(decoder.process(fixed.process)), Details::Exec(exec)))
}

/// The arguments in bytes, each with a NUL behind it but for a cut one.
fn split(bytes: &[u8]) -> Vec<String> {
    bytes.strip_suffix(b"\0").unwrap_or(bytes).split(|byte| *byte == 0).map(lossless).collect()
}

/// The path that names of directories make, the last one first, each with a NUL behind it. That of the root is empty.
fn joined(bytes: &[u8]) -> String {
    let mut names: Vec<_> = bytes.strip_suffix(b"\0").unwrap_or(bytes).split(|byte| *byte == 0).collect();
    names.reverse();
    let path = names.join(&b'/');
    if path.is_empty() { "/".to_owned() } else { lossless(&path) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_are_joined() {
        for (names, path) in [
            (&b"\0"[..], "/"),
            (b"tmp\0\0", "/tmp"),
            (b"c\0b\xff\0a b\0\0", "/a b/b\\xff/c"),
            (b"c\0b\0", "b/c"),
            (b"c", "c"),
        ] {
            assert_eq!(joined(names), path);
        }
    }
}
