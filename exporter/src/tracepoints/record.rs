//! A record of a tracepoint, read by the names of its fields.

use std::borrow::Cow;

use super::{
    field::{Field, Integer, Shape},
    format::Format,
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
    #[error("the field `{field}` is a `{declared}` and no {wanted}")]
    Type {
        /// The field.
        field: String,
        /// Its type as the kernel declares it.
        declared: String,
        /// What was asked for.
        wanted: &'static str,
    },
    /// The number is too large, or negative where that cannot be.
    #[error("the field `{field}` is {value}, which is no {wanted}")]
    Range {
        /// The field.
        field: String,
        /// Its value.
        value: i128,
        /// What was asked for.
        wanted: &'static str,
    },
    /// The record ends before the field does.
    #[error("the record has {has} bytes, and its field `{field}` ends behind byte {end}")]
    Cut {
        /// The field.
        field: String,
        /// Where it ends.
        end: u64,
        /// How many bytes the record has.
        has: usize,
    },
}

impl<'a> Record<'a> {
    /// The record that these bytes are. Nothing is looked at before a field is asked for.
    #[must_use]
    pub const fn new(format: &'a Format, bytes: &'a [u8], endian: Endian) -> Self {
        Self { format, bytes, endian }
    }

    /// A number or an address.
    ///
    /// # Errors
    ///
    /// When the field is neither.
    pub fn number(&self, name: &str) -> Result<i128, FieldError> {
        self.numeric(name, "integer").map(|(_, value)| value)
    }

    /// A number, as far as it fits.
    ///
    /// # Errors
    ///
    /// When the field is no number, or larger than the largest `i64`.
    pub fn int(&self, name: &str) -> Result<i64, FieldError> {
        const WANTED: &str = "signed integer of 64 bits";
        let (field, value) = self.numeric(name, WANTED)?;
        value.try_into().map_err(|_| FieldError::Range { field: field.name.clone(), value, wanted: WANTED })
    }

    /// A number that is not negative, or an address.
    ///
    /// # Errors
    ///
    /// When the field is neither, or negative.
    pub fn uint(&self, name: &str) -> Result<u64, FieldError> {
        const WANTED: &str = "unsigned integer";
        let (field, value) = self.numeric(name, WANTED)?;
        value.try_into().map_err(|_| FieldError::Range { field: field.name.clone(), value, wanted: WANTED })
    }

    /// A text, to its first NUL; what is no UTF-8 is replaced.
    ///
    /// # Errors
    ///
    /// When the field does not consist of characters that are in the record. What a pointer leads to is not there.
    pub fn str(&self, name: &str) -> Result<Cow<'a, str>, FieldError> {
        let field = self.field(name)?;
        match field.shape {
            Shape::Array { text: true } | Shape::Located { text: true, .. } => {
                let bytes = self.content(field)?;
                let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
                Ok(String::from_utf8_lossy(&bytes[..end]))
            }
            _ => Err(wrong_type(field, "text")),
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

    fn field(&self, name: &str) -> Result<&'a Field, FieldError> {
        self.format.field(name).ok_or_else(|| unknown(self.format, name))
    }

    fn numeric(&self, name: &str, wanted: &'static str) -> Result<(&'a Field, i128), FieldError> {
        let field = self.field(name)?;
        let integer = match field.shape {
            Shape::Integer(integer) => integer,
            Shape::Pointer => Integer { bytes: u8::try_from(field.size).unwrap_or(u8::MAX), signed: false },
            Shape::Array { .. } | Shape::Located { .. } | Shape::Opaque => return Err(wrong_type(field, wanted)),
        };
        let bytes = self.content(field)?;
        let value = self.whole(bytes, integer).ok_or_else(|| wrong_type(field, wanted))?;
        Ok((field, value))
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
    fn content(&self, field: &Field) -> Result<&'a [u8], FieldError> {
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
            field: field.name.clone(),
            end,
            has: self.bytes.len(),
        })
    }
}

/// The refusal of a field that a tracepoint does not have.
pub(super) fn unknown(format: &Format, name: &str) -> FieldError {
    FieldError::Unknown {
        tracepoint: format.name.clone(),
        field: name.replace(char::is_control, " "),
        expected: closest::names(name, format.fields.iter().map(|field| field.name.as_str())),
    }
}

/// The refusal of a field that is of another type.
pub(super) fn wrong_type(field: &Field, wanted: &'static str) -> FieldError {
    FieldError::Type { field: field.name.clone(), declared: field.declared.clone(), wanted }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
            let format = format();
            for endian in [Endian::Little, Endian::Big] {
                let mut bytes = vec![0xee; 104];
                for (place, value) in values.iter().enumerate() {
                    put(&mut bytes, 8 * place, 1 << (place / 2), *value, endian);
                }
                put(&mut bytes, 80, 8, values[0], endian);
                put(&mut bytes, 88, 8, u64::from(high) << 32 | u64::from(argument.cast_unsigned()), endian);
                let record = Record::new(&format, &bytes, endian);
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
            let format = format();
            for endian in [Endian::Little, Endian::Big] {
                let mut bytes: Vec<_> = (0..has).map(|n| n as u8).collect();
                let word = u64::from(length) << 16 | u64::from(place);
                put(&mut bytes, 72, 4, word, endian);
                put(&mut bytes, 76, 4, word, endian);
                let record = Record::new(&format, &bytes, endian);
                for (name, base) in [("path", 0), ("near", 80)] {
                    let (from, end) = (base + usize::from(place), base + usize::from(place) + usize::from(length));
                    let cut = FieldError::Cut { field: name.to_owned(), end: end as u64, has };
                    prop_assert_eq!(record.bytes(name), bytes.get(from..end).ok_or(cut));
                }
            }
        }
    }

    #[test]
    fn texts() {
        let format = format();
        let mut bytes = vec![0; 104];
        bytes.extend(b"/bin/\xffash\0");
        bytes[64..72].copy_from_slice(b"init\0xyz");
        put(&mut bytes, 72, 4, 10 << 16 | 104, Endian::NATIVE);
        put(&mut bytes, 76, 4, 4 << 16 | 24, Endian::NATIVE);
        let record = Record::new(&format, &bytes, Endian::NATIVE);
        assert_eq!(record.str("comm"), Ok("init".into()));
        assert_eq!(record.bytes("comm"), Ok(&b"init\0xyz"[..]));
        assert_eq!(record.str("path"), Ok("/bin/\u{fffd}ash".into()));
        assert_eq!(record.str("near"), Ok("/bin".into()));
        assert_eq!(record.bytes("tail").map(<[u8]>::len), Ok(14));
        bytes[64..72].copy_from_slice(b"fullfull");
        put(&mut bytes, 72, 4, 0, Endian::NATIVE);
        let record = Record::new(&format, &bytes, Endian::NATIVE);
        assert_eq!((record.str("comm"), record.str("path")), (Ok("fullfull".into()), Ok("".into())));
    }

    #[test]
    fn mistakes_are_told() {
        let format = format();
        let bytes = [0xff; 90];
        let record = Record::new(&format, &bytes, Endian::NATIVE);
        for (error, expected) in [
            (
                record.int("s46").err(),
                "the tracepoint `made_up` has no field `s46`: expected one of `u8`, `s8`, `u16`, `s16`, `u32`, `s32`, `u64`, \
                 `s64`, `comm`, `path`, `near`, `ptr`, `argument`, `there`, `tail`",
            ),
            (record.int("comm").err(), "the field `comm` is a `char[8]` and no signed integer of 64 bits"),
            (record.uint("there").err(), "the field `there` is a `struct path` and no unsigned integer"),
            (record.str("u8").err(), "the field `u8` is a `word_t` and no text"),
            (record.str("ptr").err(), "the field `ptr` is a `void *` and no text"),
            (record.uint("s8").err(), "the field `s8` is -1, which is no unsigned integer"),
            (record.int("u64").err(), "the field `u64` is 18446744073709551615, which is no signed integer of 64 bits"),
            (record.int("argument").err(), "the record has 90 bytes, and its field `argument` ends behind byte 96"),
            (record.str("path").err(), "the record has 90 bytes, and its field `path` ends behind byte 131070"),
            (record.bytes("tail").err(), "the record has 90 bytes, and its field `tail` ends behind byte 100"),
        ] {
            assert_eq!(error.map(|error| error.to_string()).as_deref(), Some(expected));
        }
    }

    /// The record that the kernel made of an execution, in the bytes of either kind of machine.
    #[test]
    fn a_real_record() {
        let description = include_str!("../../tests/fixtures/parsers/tracepoint_format/sched_process_fork");
        let format = Format::parse(description).expect("the kernel wrote it");
        let mut bytes = Vec::new();
        for half in [366u16, 0] {
            bytes.extend(half.to_be_bytes());
        }
        for word in [435u32, 4 << 16 | 24, 435, 5 << 16 | 28, 436] {
            bytes.extend(word.to_be_bytes());
        }
        bytes.extend(b"ash\0bash\0");
        let record = Record::new(&format, &bytes, Endian::Big);
        assert_eq!((record.uint("common_type"), record.int("common_pid")), (Ok(366), Ok(435)));
        assert_eq!((record.int("parent_pid"), record.int("child_pid")), (Ok(435), Ok(436)));
        assert_eq!((record.str("parent_comm"), record.str("child_comm")), (Ok("ash".into()), Ok("bash".into())));
    }
}
