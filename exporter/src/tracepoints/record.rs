//! A record of a tracepoint, read by the names of its fields.

use super::{
    field::{Field, Integer, Shape},
    format::Format,
    name::Name,
};
use crate::closest;

/// In which order a machine stores the bytes of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endian {
    /// The lowest first.
    Little,
    /// The highest first.
    Big,
}

impl Endian {
    /// That of this machine.
    pub const NATIVE: Self = if cfg!(target_endian = "big") { Self::Big } else { Self::Little };
}

/// A record of a tracepoint, from the first of the fields that all tracepoints have.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    tracepoint: &'a Name,
    format: &'a Format,
    bytes: &'a [u8],
    endian: Endian,
}

/// Why a field has no value of the wanted type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// There is no such field.
    #[error("the tracepoint `{tracepoint}` has no field `{field}`: expected {expected}")]
    Unknown {
        /// The tracepoint.
        tracepoint: String,
        /// The field that was asked for.
        field: String,
        /// The fields that there are.
        expected: String,
    },
    /// The field is of another type.
    #[error("the field `{field}` of the tracepoint `{tracepoint}` is a `{declared}` and no {wanted}")]
    Type {
        /// The tracepoint.
        tracepoint: String,
        /// The field.
        field: String,
        /// Its type as the kernel declares it.
        declared: String,
        /// What was asked for.
        wanted: &'static str,
    },
    /// The number is too large, or negative where that cannot be.
    #[error("the field `{field}` of the tracepoint `{tracepoint}` is {value}, which is no {wanted}")]
    Range {
        /// The tracepoint.
        tracepoint: String,
        /// The field.
        field: String,
        /// Its value.
        value: i128,
        /// What was asked for.
        wanted: &'static str,
    },
    /// The record ends before the field does.
    #[error(
        "the record of the tracepoint `{tracepoint}` has {has} bytes, and its field `{field}` ends behind byte {end}"
    )]
    Cut {
        /// The tracepoint.
        tracepoint: String,
        /// The field.
        field: String,
        /// Where it ends.
        end: u64,
        /// How many bytes the record has.
        has: usize,
    },
    /// The field is one that the kernel keeps to itself.
    #[error("the kernel tells no program the field `{field}` of the tracepoint `{tracepoint}`")]
    Hidden {
        /// The tracepoint.
        tracepoint: String,
        /// The field.
        field: String,
    },
    /// The field is the address of a text, of which nothing was read.
    #[error(
        "the field `{field}` of the tracepoint `{tracepoint}` is the address {address:#x}, where no text could be read"
    )]
    Unread {
        /// The tracepoint.
        tracepoint: String,
        /// The field.
        field: String,
        /// Its value.
        address: u64,
    },
}

impl<'a> Record<'a> {
    /// The record that these bytes are. Nothing is looked at before a field is asked for.
    #[must_use]
    pub const fn new(tracepoint: &'a Name, format: &'a Format, bytes: &'a [u8], endian: Endian) -> Self {
        Self { tracepoint, format, bytes, endian }
    }

    /// A number or an address.
    ///
    /// # Errors
    ///
    /// When the field is neither.
    pub fn number(&self, name: &str) -> Result<i128, FieldError> {
        self.number_of(self.field(name)?)
    }

    /// A number, as far as it fits.
    ///
    /// # Errors
    ///
    /// When the field is no number, or larger than the largest `i64`.
    pub fn int(&self, name: &str) -> Result<i64, FieldError> {
        self.fitting(name, "signed integer of 64 bits")
    }

    /// A number that is not negative, or an address.
    ///
    /// # Errors
    ///
    /// When the field is neither, or negative.
    pub fn uint(&self, name: &str) -> Result<u64, FieldError> {
        self.fitting(name, "unsigned integer")
    }

    /// The bytes of a text, to its first NUL.
    ///
    /// # Errors
    ///
    /// When the field does not consist of characters that are in the record. What a pointer leads to is not there.
    pub fn text(&self, name: &str) -> Result<&'a [u8], FieldError> {
        let field = self.field(name)?;
        match field.shape {
            Shape::Array { text: true } | Shape::Located { text: true, .. } => {
                let bytes = self.content(field)?;
                Ok(bytes.split(|byte| *byte == 0).next().unwrap_or_default())
            }
            _ => Err(wrong_type(self.tracepoint, field, "text")),
        }
    }

    /// The bytes of a field of any type: of an array its elements, wherever in the record they are.
    ///
    /// # Errors
    ///
    /// When the record ends before.
    pub fn bytes(&self, name: &str) -> Result<&'a [u8], FieldError> {
        self.content(self.field(name)?)
    }

    /// The field with this name.
    pub(crate) fn field(&self, name: &str) -> Result<&'a Field, FieldError> {
        self.format.field(name).ok_or_else(|| unknown(self.tracepoint, self.format, name))
    }

    /// The number or address that a field is.
    pub(crate) fn number_of(&self, field: &Field) -> Result<i128, FieldError> {
        self.numeric(field, "integer")
    }

    fn numeric(&self, field: &Field, wanted: &'static str) -> Result<i128, FieldError> {
        let refused = || wrong_type(self.tracepoint, field, wanted);
        let integer = match field.shape {
            Shape::Integer(integer) => integer,
            Shape::Pointer => Integer { bytes: u8::try_from(field.size).unwrap_or(u8::MAX), signed: false },
            Shape::Array { .. } | Shape::Located { .. } | Shape::Opaque => return Err(refused()),
        };
        self.whole(self.content(field)?, integer).ok_or_else(refused)
    }

    /// A number that has this type.
    fn fitting<T: TryFrom<i128>>(&self, name: &str, wanted: &'static str) -> Result<T, FieldError> {
        let value = self.numeric(self.field(name)?, wanted)?;
        let (tracepoint, field) = (self.tracepoint.to_string(), name.to_owned());
        value.try_into().map_err(|_| FieldError::Range { tracepoint, field, value, wanted })
    }

    /// The number in these bytes, of which the lower ones count; nothing for more than 8.
    fn whole(&self, bytes: &[u8], Integer { bytes: width, signed }: Integer) -> Option<i128> {
        let width = usize::from(width);
        let mut word = [0; 8];
        match self.endian {
            Endian::Little => word.get_mut(..width)?.copy_from_slice(bytes.get(..width)?),
            Endian::Big => {
                let from = bytes.len().checked_sub(width)?;
                word.get_mut(..width)?.copy_from_slice(&bytes[from..]);
                word[..width].reverse();
            }
        }
        let value = u64::from_le_bytes(word);
        let unused = u64::BITS.checked_sub(8 * width as u32).filter(|unused| *unused < u64::BITS)?;
        Some(if signed { i128::from((value << unused).cast_signed() >> unused) } else { i128::from(value) })
    }

    /// The bytes that a field stands for.
    pub(crate) fn content(&self, field: &Field) -> Result<&'a [u8], FieldError> {
        let (offset, size) = (u64::from(field.offset), u64::from(field.size));
        match field.shape {
            // An array without a length goes on to the end.
            Shape::Array { .. } if size == 0 => {
                self.part(field, offset, (self.bytes.len() as u64).saturating_sub(offset))
            }
            Shape::Located { relative, .. } => {
                let word = self.part(field, offset, size)?;
                let word = self.whole(word, Integer { bytes: 4, signed: false });
                // Length and place, 16 bits each (include/trace/stages/stage6_event_callback.h).
                let word = word.and_then(|word| u64::try_from(word).ok()).unwrap_or_default();
                let base = if relative { offset + size } else { 0 };
                self.part(field, base + (word & 0xffff), word >> 16)
            }
            _ => self.part(field, offset, size),
        }
    }

    fn part(&self, field: &Field, from: u64, length: u64) -> Result<&'a [u8], FieldError> {
        let end = from + length;
        let part = usize::try_from(from).ok().zip(usize::try_from(end).ok());
        part.and_then(|(from, end)| self.bytes.get(from..end)).ok_or_else(|| FieldError::Cut {
            tracepoint: self.tracepoint.to_string(),
            field: field.name.clone(),
            end,
            has: self.bytes.len(),
        })
    }
}

/// The refusal of a field that a tracepoint does not have.
pub(super) fn unknown(tracepoint: &Name, format: &Format, name: &str) -> FieldError {
    FieldError::Unknown {
        tracepoint: tracepoint.to_string(),
        field: name.replace(char::is_control, " "),
        expected: closest::names(name, format.fields.iter().map(|field| field.name.as_str())),
    }
}

/// The refusal of a field that is of another type.
pub(super) fn wrong_type(tracepoint: &Name, field: &Field, wanted: &'static str) -> FieldError {
    let (tracepoint, name) = (tracepoint.to_string(), field.name.clone());
    FieldError::Type { tracepoint, field: name, declared: field.declared.clone(), wanted }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name() -> Name {
        Name { category: "test".to_owned(), name: "made_up".to_owned() }
    }

    /// Numbers of every width and sign, then places for arrays.
    fn format() -> Format {
        let mut text = "name: made_up\nID: 9\nformat:\n".to_owned();
        let numbers = [1, 2, 4, 8].into_iter().flat_map(|size| [(size, 0), (size, 1)]);
        for (place, (size, signed)) in numbers.enumerate() {
            let (sign, offset) = (if signed == 1 { 's' } else { 'u' }, 8 * place);
            text += &format!("\tfield:word_t {sign}{};\toffset:{offset};\tsize:{size};\tsigned:{signed};\n", 8 * size);
        }
        text += "\tfield:char comm[8];\toffset:64;\tsize:8;\tsigned:0;\n\
                 \tfield:__data_loc char[] path;\toffset:72;\tsize:4;\tsigned:0;\n\
                 \tfield:__rel_loc char[] near;\toffset:76;\tsize:4;\tsigned:0;\n\
                 \tfield:void * ptr;\toffset:80;\tsize:8;\tsigned:0;\n\
                 \tfield:int argument;\toffset:88;\tsize:8;\tsigned:0;\n\
                 \tfield:struct path there;\toffset:96;\tsize:4;\tsigned:0;\n\
                 \tfield:char tail[];\toffset:100;\tsize:0;\tsigned:0;\n";
        Format::parse(&text).expect("it is one")
    }

    fn put(record: &mut [u8], offset: usize, size: usize, value: u64, endian: Endian) {
        let bytes = value.to_le_bytes();
        for (place, byte) in bytes[..size].iter().enumerate() {
            record[offset + if endian == Endian::Little { place } else { size - 1 - place }] = *byte;
        }
    }

    proptest! {
        #[test]
        fn numbers_come_back(values: [u64; 8], argument: i32, high: u32) {
            let (name, format) = (name(), format());
            for endian in [Endian::Little, Endian::Big] {
                let mut bytes = vec![0xee; 104];
                for (place, value) in values.iter().enumerate() {
                    put(&mut bytes, 8 * place, 1 << (place / 2), *value, endian);
                }
                put(&mut bytes, 80, 8, values[0], endian);
                put(&mut bytes, 88, 8, u64::from(high) << 32 | u64::from(argument.cast_unsigned()), endian);
                let record = Record::new(&name, &format, &bytes, endian);
                prop_assert_eq!(record.uint("u8"), Ok(u64::from(values[0] as u8)));
                prop_assert_eq!(record.int("s8"), Ok(i64::from(values[1] as i8)));
                prop_assert_eq!(record.uint("u16"), Ok(u64::from(values[2] as u16)));
                prop_assert_eq!(record.int("s16"), Ok(i64::from(values[3] as i16)));
                prop_assert_eq!(record.uint("u32"), Ok(u64::from(values[4] as u32)));
                prop_assert_eq!(record.int("s32"), Ok(i64::from(values[5] as i32)));
                prop_assert_eq!(record.uint("u64"), Ok(values[6]));
                prop_assert_eq!(record.number("u64"), Ok(i128::from(values[6])));
                prop_assert_eq!(record.number("s64"), Ok(i128::from(values[7].cast_signed())));
                prop_assert_eq!(record.int("s64"), Ok(values[7].cast_signed()));
                prop_assert_eq!(record.int("u64").ok(), i64::try_from(values[6]).ok());
                prop_assert_eq!(record.uint("s64").ok(), u64::try_from(values[7].cast_signed()).ok());
                prop_assert_eq!(record.uint("ptr"), Ok(values[0]));
                // Only the lower half of the register is the argument.
                prop_assert_eq!(record.int("argument"), Ok(i64::from(argument)));
            }
        }

        #[test]
        fn located_bytes_are_within_the_record_or_refused(place: u16, length: u16, has in 100usize..300) {
            let (name, format) = (name(), format());
            for endian in [Endian::Little, Endian::Big] {
                let mut bytes: Vec<_> = (0..has).map(|n| n as u8).collect();
                let word = u64::from(length) << 16 | u64::from(place);
                put(&mut bytes, 72, 4, word, endian);
                put(&mut bytes, 76, 4, word, endian);
                let record = Record::new(&name, &format, &bytes, endian);
                for (field, base) in [("path", 0), ("near", 80)] {
                    let (from, end) = (base + usize::from(place), base + usize::from(place) + usize::from(length));
                    let cut = FieldError::Cut {
                        tracepoint: "test:made_up".to_owned(),
                        field: field.to_owned(),
                        end: end as u64,
                        has,
                    };
                    prop_assert_eq!(record.bytes(field), bytes.get(from..end).ok_or(cut));
                }
            }
        }
    }

    #[test]
    fn texts() {
        let (name, format) = (name(), format());
        let mut bytes = vec![0; 104];
        bytes.extend(b"/bin/\xffash\0");
        bytes[64..72].copy_from_slice(b"init\0xyz");
        put(&mut bytes, 72, 4, 10 << 16 | 104, Endian::NATIVE);
        put(&mut bytes, 76, 4, 4 << 16 | 24, Endian::NATIVE);
        let record = Record::new(&name, &format, &bytes, Endian::NATIVE);
        assert_eq!(record.text("comm"), Ok(&b"init"[..]));
        assert_eq!(record.bytes("comm"), Ok(&b"init\0xyz"[..]));
        assert_eq!(record.text("path"), Ok(&b"/bin/\xffash"[..]));
        assert_eq!(record.text("near"), Ok(&b"/bin"[..]));
        assert_eq!(record.bytes("tail").map(<[u8]>::len), Ok(14));
        bytes[64..72].copy_from_slice(b"fullfull");
        put(&mut bytes, 72, 4, 0, Endian::NATIVE);
        let record = Record::new(&name, &format, &bytes, Endian::NATIVE);
        assert_eq!((record.text("comm"), record.text("path")), (Ok(&b"fullfull"[..]), Ok(&b""[..])));
    }

    #[test]
    fn mistakes_are_told() {
        let (name, format) = (name(), format());
        let bytes = [0xff; 90];
        let record = Record::new(&name, &format, &bytes, Endian::NATIVE);
        for (error, expected) in [
            (
                record.int("s46").err(),
                "the tracepoint `test:made_up` has no field `s46`: expected one of `u8`, `s8`, `u16`, `s16`, `u32`, `s32`, `u64`, \
                 `s64`, `comm`, `path`, `near`, `ptr`, `argument`, `there`, `tail`",
            ),
            (
                record.int("comm").err(),
                "the field `comm` of the tracepoint `test:made_up` is a `char[8]` and no signed integer of 64 bits",
            ),
            (
                record.uint("there").err(),
                "the field `there` of the tracepoint `test:made_up` is a `struct path` and no unsigned integer",
            ),
            (record.text("u8").err(), "the field `u8` of the tracepoint `test:made_up` is a `word_t` and no text"),
            (record.text("ptr").err(), "the field `ptr` of the tracepoint `test:made_up` is a `void *` and no text"),
            (
                record.uint("s8").err(),
                "the field `s8` of the tracepoint `test:made_up` is -1, which is no unsigned integer",
            ),
            (
                record.int("u64").err(),
                "the field `u64` of the tracepoint `test:made_up` is 18446744073709551615, which is no signed integer of 64 bits",
            ),
            (
                record.int("argument").err(),
                "the record of the tracepoint `test:made_up` has 90 bytes, and its field `argument` ends behind byte 96",
            ),
            (
                record.text("path").err(),
                "the record of the tracepoint `test:made_up` has 90 bytes, and its field `path` ends behind byte 131070",
            ),
            (
                record.bytes("tail").err(),
                "the record of the tracepoint `test:made_up` has 90 bytes, and its field `tail` ends behind byte 100",
            ),
        ] {
            assert_eq!(error.map(|error| error.to_string()).as_deref(), Some(expected));
        }
    }

    /// The record that the kernel made of an execution, in the bytes of either kind of machine.
    #[test]
    fn a_real_record() {
        let description = include_str!("../../tests/fixtures/parsers/tracepoint_format/sched_process_fork");
        let (name, format) = (name(), Format::parse(description).expect("the kernel wrote it"));
        let mut bytes = Vec::new();
        for half in [366u16, 0] {
            bytes.extend(half.to_be_bytes());
        }
        for word in [435u32, 4 << 16 | 24, 435, 5 << 16 | 28, 436] {
            bytes.extend(word.to_be_bytes());
        }
        bytes.extend(b"ash\0bash\0");
        let record = Record::new(&name, &format, &bytes, Endian::Big);
        assert_eq!((record.uint("common_type"), record.int("common_pid")), (Ok(366), Ok(435)));
        assert_eq!((record.int("parent_pid"), record.int("child_pid")), (Ok(435), Ok(436)));
        assert_eq!((record.text("parent_comm"), record.text("child_comm")), (Ok(&b"ash"[..]), Ok(&b"bash"[..])));
    }
}
