//! A reader of the kernel's type information: where fields are and what tracepoints pass.
//!
//! The format is Documentation/bpf/btf.rst. Only what the two questions need is decoded.

use std::{collections::HashMap, fs, io, path::Path};

const MAGIC: u16 = 0xeb9f;
/// Bytes of the part of a type that every kind has.
const TYPE_BYTES: usize = 12;
/// How deep type chains are followed; the kernel's own limit is 32 (`MAX_RESOLVE_DEPTH`, kernel/bpf/btf.c).
const DEPTH: usize = 32;
/// How many members are looked at for one name. The kernel's largest structures have hundreds, those nested in them included.
const MEMBERS: usize = 1 << 16;

mod kind {
    pub(super) const INT: u32 = 1;
    pub(super) const PTR: u32 = 2;
    pub(super) const ARRAY: u32 = 3;
    pub(super) const STRUCT: u32 = 4;
    pub(super) const UNION: u32 = 5;
    pub(super) const ENUM: u32 = 6;
    pub(super) const TYPEDEF: u32 = 8;
    pub(super) const VOLATILE: u32 = 9;
    pub(super) const CONST: u32 = 10;
    pub(super) const RESTRICT: u32 = 11;
    pub(super) const FUNC_PROTO: u32 = 13;
    pub(super) const VAR: u32 = 14;
    pub(super) const DATASEC: u32 = 15;
    pub(super) const DECL_TAG: u32 = 17;
    pub(super) const TYPE_TAG: u32 = 18;
    pub(super) const ENUM64: u32 = 19;
}

/// Why type information could not be read.
#[derive(Debug, thiserror::Error)]
pub enum BtfError {
    /// The file could not be read.
    #[error("cannot read the kernel's type information `{path}`")]
    Read {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The bytes are no type information in this machine's byte order.
    #[error("the kernel's type information is malformed: {0}")]
    Malformed(&'static str),
}

/// A field's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Bytes from the start of the structure.
    pub offset: u32,
    /// Bytes that it takes.
    pub size: u32,
}

/// The kernel's type information.
#[derive(Debug)]
pub struct KernelBtf {
    data: Vec<u8>,
    strings: usize,
    /// Where each type begins; type 0 is `void` and has no place.
    types: Vec<u32>,
    structs: HashMap<u32, u32>,
    typedefs: HashMap<u32, u32>,
}

impl KernelBtf {
    /// Reads a file such as `/sys/kernel/btf/vmlinux`.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is no type information.
    pub fn read(path: &Path) -> Result<Self, BtfError> {
        let data = fs::read(path).map_err(|source| BtfError::Read { path: path.display().to_string(), source })?;
        Self::parse(data)
    }

    /// Reads type information.
    ///
    /// # Errors
    ///
    /// When the bytes are no type information in this machine's byte order.
    pub fn parse(data: Vec<u8>) -> Result<Self, BtfError> {
        let word = |at: usize| read_u32(&data, at).ok_or(BtfError::Malformed("the header is cut"));
        if data.get(..2) != Some(&MAGIC.to_ne_bytes()) {
            return Err(BtfError::Malformed("the magic number is wrong"));
        }
        let header = word(4)? as usize;
        let begin = header.saturating_add(word(8)? as usize);
        let end = begin.saturating_add(word(12)? as usize);
        let strings = header.saturating_add(word(16)? as usize);
        if end > data.len() || strings > data.len() {
            return Err(BtfError::Malformed("a section reaches beyond the end"));
        }
        let (mut types, mut structs, mut typedefs) = (vec![0], HashMap::new(), HashMap::new());
        let mut at = begin;
        while at < end {
            let ty = RawType::at(&data, at).ok_or(BtfError::Malformed("a type is cut"))?;
            let id = u32::try_from(types.len()).map_err(|_| BtfError::Malformed("too many types"))?;
            match ty.kind() {
                // The first definition wins: later ones of the same name are other modules' private types.
                kind::STRUCT => drop(structs.entry(ty.name).or_insert(id)),
                kind::TYPEDEF => drop(typedefs.entry(ty.name).or_insert(id)),
                _ => {}
            }
            types.push(u32::try_from(at).map_err(|_| BtfError::Malformed("more than 4 GiB"))?);
            at += TYPE_BYTES + ty.rest_bytes().ok_or(BtfError::Malformed("a type has an unknown kind"))?;
        }
        Ok(Self { data, strings, types, structs, typedefs })
    }

    /// The place of a field: `path` names the members from the structure inwards, separated by dots. Anonymous structures
    /// and unions are looked through. Nothing for a structure or member that is not there, and for bit fields.
    #[must_use]
    pub fn field(&self, structure: &str, path: &str) -> Option<Field> {
        let mut id = self.by_name(&self.structs, structure)?;
        let mut offset = 0;
        for name in path.split('.') {
            let (member, at) = self.member(self.plain(id)?, name, DEPTH, &mut { MEMBERS })?;
            id = member;
            offset = at.checked_add(offset)?;
        }
        let size = self.size(id, DEPTH)?;
        offset.checked_add(size)?;
        Some(Field { offset, size })
    }

    /// How many arguments a tracepoint passes; nothing for one that is not there.
    #[must_use]
    pub fn tracepoint_arguments(&self, tracepoint: &str) -> Option<usize> {
        let typedef = self.by_name(&self.typedefs, &format!("btf_trace_{tracepoint}"))?;
        let pointer = self.get(self.plain(typedef)?)?;
        let prototype = self.get(self.plain(pointer.size_or_type)?)?;
        // The first argument is the callback's own data.
        (prototype.kind() == kind::FUNC_PROTO).then(|| (prototype.len() as usize).saturating_sub(1))
    }

    fn by_name(&self, index: &HashMap<u32, u32>, name: &str) -> Option<u32> {
        index.iter().find(|(at, _)| self.is_string(**at, name)).map(|(_, id)| *id)
    }

    fn is_string(&self, at: u32, expected: &str) -> bool {
        let begin = self.strings + at as usize;
        let end = begin + expected.len();
        self.data.get(begin..end) == Some(expected.as_bytes()) && self.data.get(end) == Some(&0)
    }

    fn get(&self, id: u32) -> Option<RawType> {
        RawType::at(&self.data, *self.types.get(id as usize).filter(|_| id != 0)? as usize)
    }

    /// The type behind names and qualifiers.
    fn plain(&self, mut id: u32) -> Option<u32> {
        for _ in 0..DEPTH {
            let ty = self.get(id)?;
            match ty.kind() {
                kind::TYPEDEF | kind::VOLATILE | kind::CONST | kind::RESTRICT | kind::TYPE_TAG => id = ty.size_or_type,
                _ => return Some(id),
            }
        }
        None
    }

    /// A member's type and its offset in bytes. `left` is how many members may still be looked at.
    fn member(&self, id: u32, name: &str, depth: usize, left: &mut usize) -> Option<(u32, u32)> {
        let ty = self.get(id)?;
        if depth == 0 || !matches!(ty.kind(), kind::STRUCT | kind::UNION) {
            return None;
        }
        for index in 0..ty.len() as usize {
            *left = left.checked_sub(1)?;
            let at = ty.rest + index * 12;
            let (member_name, member) = (read_u32(&self.data, at)?, read_u32(&self.data, at + 4)?);
            let place = read_u32(&self.data, at + 8)?;
            // With the flag, the upper byte is the width of a bit field.
            let (bits, width) = if ty.flag() { (place & 0xff_ffff, place >> 24) } else { (place, 0) };
            if self.is_string(member_name, name) {
                return (width == 0 && bits % 8 == 0).then_some((member, bits / 8));
            }
            if self.is_string(member_name, "")
                && let Some((found, inner)) = self.member(self.plain(member)?, name, depth - 1, left)
            {
                return Some((found, inner.checked_add(bits / 8)?));
            }
        }
        None
    }

    fn size(&self, id: u32, depth: usize) -> Option<u32> {
        let ty = self.get(self.plain(id)?)?;
        match ty.kind() {
            kind::PTR => Some(size_of::<usize>() as u32),
            kind::ARRAY if depth > 0 => {
                let (element, length) = (read_u32(&self.data, ty.rest)?, read_u32(&self.data, ty.rest + 8)?);
                self.size(element, depth - 1)?.checked_mul(length)
            }
            kind::INT | kind::STRUCT | kind::UNION | kind::ENUM | kind::ENUM64 => Some(ty.size_or_type),
            _ => None,
        }
    }
}

#[derive(Clone, Copy)]
struct RawType {
    name: u32,
    info: u32,
    size_or_type: u32,
    /// Where the part that depends on the kind begins.
    rest: usize,
}

impl RawType {
    fn at(data: &[u8], at: usize) -> Option<Self> {
        Some(Self {
            name: read_u32(data, at)?,
            info: read_u32(data, at + 4)?,
            size_or_type: read_u32(data, at + 8)?,
            rest: at + TYPE_BYTES,
        })
    }

    fn kind(self) -> u32 {
        self.info >> 24 & 0x1f
    }

    fn len(self) -> u32 {
        self.info & 0xffff
    }

    fn flag(self) -> bool {
        self.info >> 31 != 0
    }

    fn rest_bytes(self) -> Option<usize> {
        let len = self.len() as usize;
        match self.kind() {
            kind::INT | kind::VAR | kind::DECL_TAG => Some(4),
            kind::ARRAY => Some(12),
            kind::STRUCT | kind::UNION | kind::DATASEC | kind::ENUM64 => Some(12 * len),
            kind::ENUM | kind::FUNC_PROTO => Some(8 * len),
            // Pointer, forward, typedef, volatile, const, restrict, function, float, type tag.
            2 | 7..=12 | 16 | 18 => Some(0),
            _ => None,
        }
    }
}

fn read_u32(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(data.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A builder of small type sections.
    struct Builder {
        types: Vec<u8>,
        strings: Vec<u8>,
    }

    impl Builder {
        fn new() -> Self {
            Self { types: vec![], strings: vec![0] }
        }

        fn string(&mut self, text: &str) -> u32 {
            if text.is_empty() {
                return 0;
            }
            let at = self.strings.len() as u32;
            self.strings.extend(text.as_bytes());
            self.strings.push(0);
            at
        }

        fn add(&mut self, name: &str, kind: u32, len: u32, size_or_type: u32, rest: &[u32]) -> &mut Self {
            let name = self.string(name);
            for word in [name, kind << 24 | len, size_or_type].iter().chain(rest) {
                self.types.extend(word.to_ne_bytes());
            }
            self
        }

        fn build(&self) -> Vec<u8> {
            let (types, strings) = (self.types.len() as u32, self.strings.len() as u32);
            let mut data = MAGIC.to_ne_bytes().to_vec();
            data.extend([1, 0]);
            for word in [24, 0, types, types, strings] {
                data.extend(word.to_ne_bytes());
            }
            data.extend(&self.types);
            data.extend(&self.strings);
            data
        }
    }

    fn sample() -> Vec<u8> {
        let mut builder = Builder::new();
        let (anonymous, deep, bits, pointer) =
            (builder.string(""), builder.string("deep"), builder.string("bits"), builder.string("pointer"));
        builder
            .add("int", kind::INT, 0, 4, &[32]) // 1
            .add("", kind::UNION, 1, 4, &[deep, 1, 0]) // 2
            .add("", kind::PTR, 0, 1, &[]) // 3
            .add("", kind::CONST, 0, 3, &[]) // 4
            .add("outer", kind::STRUCT | 0x80, 3, 24, &[anonymous, 2, 64, bits, 1, 3 << 24 | 96, pointer, 4, 128]) // 5
            .add("", kind::FUNC_PROTO, 3, 0, &[0, 3, 0, 1, 0, 1]) // 6
            .add("", kind::PTR, 0, 6, &[]) // 7
            .add("btf_trace_hook", kind::TYPEDEF, 0, 7, &[]); // 8
        builder.build()
    }

    #[test]
    fn finds_fields() {
        let btf = KernelBtf::parse(sample()).expect("well-formed");
        assert_eq!(btf.field("outer", "deep"), Some(Field { offset: 8, size: 4 }));
        assert_eq!(btf.field("outer", "pointer"), Some(Field { offset: 16, size: 8 }));
        assert_eq!(btf.field("outer", "bits"), None, "a bit field has no offset in bytes");
        assert_eq!(btf.field("outer", "missing"), None);
        assert_eq!(btf.field("missing", "deep"), None);
    }

    #[test]
    fn counts_arguments() {
        let btf = KernelBtf::parse(sample()).expect("well-formed");
        assert_eq!(btf.tracepoint_arguments("hook"), Some(2));
        assert_eq!(btf.tracepoint_arguments("missing"), None);
    }

    /// Structures in structures without names, which would be looked through for longer than anybody waits.
    #[test]
    fn nesting_is_bounded() {
        let mut builder = Builder::new();
        let anonymous = [0, 1, 0].repeat(1 << 10);
        builder.add("outer", kind::STRUCT, 1 << 10, 8, &anonymous);
        let btf = KernelBtf::parse(builder.build()).expect("well-formed");
        assert_eq!(btf.field("outer", "deep"), None);
    }

    #[test]
    fn a_place_beyond_all_numbers_is_none() {
        let mut builder = Builder::new();
        let (far, array) = (builder.string("far"), builder.string("array"));
        builder
            .add("huge", kind::INT, 0, u32::MAX, &[32]) // 1
            .add("outer", kind::STRUCT, 2, 8, &[far, 1, 64, array, 3, 0]) // 2
            .add("", kind::ARRAY, 0, 0, &[1, 1, 2]); // 3
        let btf = KernelBtf::parse(builder.build()).expect("well-formed");
        assert_eq!((btf.field("outer", "far"), btf.field("outer", "array")), (None, None));
    }

    proptest! {
        #[test]
        fn hostile_bytes_do_no_harm(position in 0usize..400, byte: u8, cut in 0usize..400) {
            let mut data = sample();
            let length = data.len();
            data[position % length] = byte;
            data.truncate(length - cut % length);
            if let Ok(btf) = KernelBtf::parse(data) {
                let _ = (btf.field("outer", "deep"), btf.tracepoint_arguments("hook"));
            }
        }
    }
}
