//! What an argument means, and how that is told.

use std::ffi::CStr;

use doubleslit_common::probes::syscall_event::{ARGUMENTS, BYTES_MAX, READS, Read, Reads, length, moment, state, what};

use super::{
    decoded::Decoded,
    names::{Flags, Named, one},
};
use crate::{
    events::text::lossless,
    probes::signal,
    tracepoints::field::{Integer, Shape},
};

/// What an argument means.
#[derive(Debug)]
pub(super) enum Meaning {
    /// What its type says: a number with or without a sign.
    Number,
    /// An address, or bits.
    Hex,
    /// Permissions, in octal.
    Mode,
    /// An open directory, or the working directory.
    Directory,
    /// A signal.
    Signal,
    /// A set of bits.
    Flags(&'static Flags),
    /// One of these.
    One(&'static [Named]),
    /// What it and the other arguments say.
    Of(fn(u64, &[u64; ARGUMENTS]) -> Decoded),
    /// A text.
    Text,
    /// A text that the call writes.
    WrittenText,
    /// A list of texts.
    Texts,
    /// Bytes.
    Bytes(Bytes),
}

/// Bytes that an argument points to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bytes {
    moment: u8,
    length: u8,
    length_argument: u8,
    limit: u8,
    decode: fn(&[u8]) -> Option<Decoded>,
}

const _: () = assert!(BYTES_MAX <= u8::MAX as usize, "the limit of a read is a byte");

/// Decodes bytes; nothing when they are too few.
type Decode = fn(&[u8]) -> Option<Decoded>;

impl Bytes {
    /// A structure that the call reads.
    pub(super) const fn read(size: usize, decode: Decode) -> Self {
        let limit = if size < BYTES_MAX { size } else { BYTES_MAX } as u8;
        Self { moment: moment::BEGIN, length: length::LIMIT, length_argument: 0, limit, decode }
    }

    /// One that it writes.
    pub(super) const fn written(size: usize, decode: Decode) -> Self {
        Self { moment: moment::SUCCESS, ..Self::read(size, decode) }
    }

    /// Bytes that the call reads when it must: as many as an argument says.
    pub(super) const fn sized(argument: u8, decode: Decode) -> Self {
        Self { length: length::ARGUMENT, length_argument: argument, ..Self::read(BYTES_MAX, decode) }
    }

    /// The same, where no other argument could be overwritten.
    pub(super) const fn late(self) -> Self {
        Self { moment: moment::RETURN, ..self }
    }

    /// Bytes that it writes: as many as it says where an argument points to.
    pub(super) const fn told(argument: u8, decode: Decode) -> Self {
        Self { length: length::POINTED, length_argument: argument, ..Self::written(BYTES_MAX, decode) }
    }

    /// Bytes that it writes: as many as it returns.
    pub(super) const fn returned(decode: Decode) -> Self {
        Self { length: length::RESULT, ..Self::written(BYTES_MAX, decode) }
    }
}

/// What was read of a process's memory for an argument.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory<'a> {
    /// See [`state`].
    pub state: u8,
    /// The bytes.
    pub bytes: &'a [u8],
}

/// What the programs read for arguments that mean this.
pub(super) fn reads(meanings: &[Meaning]) -> Reads {
    let mut reads: Vec<_> = (0..).zip(meanings).filter_map(|(argument, meaning)| read(argument, meaning)).collect();
    reads.sort_by_key(|read| !(read.what == what::BYTES && read.moment == moment::BEGIN));
    let mut all = Reads::default();
    for (place, read) in all.reads.iter_mut().zip(reads) {
        *place = read;
    }
    all
}

fn read(argument: u8, meaning: &Meaning) -> Option<Read> {
    let text = |what, moment| Read { argument, what, moment, ..Read::default() };
    Some(match *meaning {
        Meaning::Text => text(what::TEXT, moment::RETURN),
        Meaning::WrittenText => text(what::TEXT, moment::SUCCESS),
        Meaning::Texts => text(what::LIST, moment::RETURN),
        Meaning::Bytes(Bytes { moment, length, length_argument, limit, decode: _ }) => {
            Read { argument, what: what::BYTES, moment, length, length_argument, limit, reserved: 0 }
        }
        _ => return None,
    })
}

impl Meaning {
    /// Whether the memory that it points to is read.
    pub(super) fn is_read(&self) -> bool {
        read(0, self).is_some()
    }

    /// The value of an argument of a type.
    pub(super) fn decode(
        &self,
        value: u64,
        shape: Option<Shape>,
        arguments: &[u64; ARGUMENTS],
        memory: Option<&Memory<'_>>,
    ) -> Decoded {
        match self {
            Self::Number => number(value, shape),
            Self::Hex => Decoded::hex(value),
            Self::Mode => Decoded::text(octal(value as u32)),
            Self::Directory if value as i32 == libc::AT_FDCWD => Decoded::text("AT_FDCWD"),
            Self::Directory => Decoded::number(value as i32),
            Self::Signal => signal_name(value),
            Self::Flags(flags) => Decoded::Texts(flags.names(value)),
            Self::One(names) => one(names, value),
            Self::Of(decode) => decode(value, arguments),
            Self::Text | Self::WrittenText | Self::Texts | Self::Bytes(_) => self.pointed(value, memory),
        }
    }

    fn pointed(&self, address: u64, memory: Option<&Memory<'_>>) -> Decoded {
        if address == 0 {
            return Decoded::text("NULL");
        }
        let read = memory.filter(|memory| [state::WHOLE, state::CUT].contains(&memory.state));
        let decoded = read.and_then(|memory| match self {
            Self::Texts => Some(Decoded::Texts(texts(memory.bytes))),
            Self::Bytes(bytes) => (bytes.decode)(memory.bytes),
            _ => CStr::from_bytes_until_nul(memory.bytes).ok().map(|text| Decoded::Text(lossless(text.to_bytes()))),
        });
        decoded.unwrap_or_else(|| Decoded::hex(address))
    }
}

/// Texts with a NUL behind each, but for a cut one.
fn texts(bytes: &[u8]) -> Vec<String> {
    let texts = bytes.strip_suffix(b"\0").unwrap_or(bytes).split(|byte| *byte == 0);
    if bytes.is_empty() { Vec::new() } else { texts.map(lossless).collect() }
}

/// A register as a number of its type; of an unknown type as one that fits most.
pub(super) fn number(value: u64, shape: Option<Shape>) -> Decoded {
    let Some(Shape::Integer(Integer { bytes, signed })) = shape else { return Decoded::number(value.cast_signed()) };
    let unused = 64 - 8 * u32::from(bytes).clamp(1, 8);
    let shifted = value << unused;
    if signed { Decoded::number(shifted.cast_signed() >> unused) } else { Decoded::number(shifted >> unused) }
}

/// Permissions, and the type of a file, as people write them.
pub(super) fn octal(mode: u32) -> String {
    if mode == 0 { "0".to_owned() } else { format!("0{mode:o}") }
}

/// The name of a signal; 0 is none, but asks whether one could be sent.
pub(super) fn signal_name(value: u64) -> Decoded {
    match signal::name(value as u32) {
        "other" => Decoded::number(value as i32),
        name => Decoded::text(name),
    }
}

const _: () = assert!(READS >= 3, "`mount` has three texts");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_texts() {
        for (bytes, expected) in [
            (&b""[..], &[][..]),
            (b"\0", &[""]),
            (b"sh\0-c\0", &["sh", "-c"]),
            (b"a\0\0b\0", &["a", "", "b"]),
            (b"sh\0--lon", &["sh", "--lon"]),
        ] {
            assert_eq!(texts(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn numbers_are_as_wide_as_their_type() {
        let integer = |bytes, signed| Some(Shape::Integer(Integer { bytes, signed }));
        for (value, shape, expected) in [
            (0xffff_ffff, integer(4, true), -1),
            (0xffff_ffff, integer(4, false), 0xffff_ffff),
            (0xdead_0000_0000_0007, integer(4, true), 7),
            (0x1_0041, integer(2, false), 0x41),
            (u64::MAX, integer(8, false), i128::from(u64::MAX)),
            (u64::MAX, integer(8, true), -1),
            (u64::MAX, None, -1),
        ] {
            assert_eq!(number(value, shape), Decoded::Number(expected), "{value:#x} {shape:?}");
        }
    }
}
