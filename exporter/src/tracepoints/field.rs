//! A field of a record: where it is and what it is, from its declaration in C.

/// A field of a tracepoint's records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type as the kernel declares it, without attributes, such as `const char *` or `char[16]`.
    pub declared: String,
    /// Where it begins.
    pub offset: u32,
    /// How many bytes it has there; 0 for an array that goes on to the end of the record.
    pub size: u32,
    /// Whether the kernel calls it signed. Arguments of system calls never are, whatever their type is.
    pub signed: bool,
    /// Whether all tracepoints have it.
    pub common: bool,
    /// Whether it is marked as an address in the process's memory (`__user`, include/linux/compiler_types.h).
    pub user: bool,
    /// What its bytes mean.
    pub shape: Shape,
}

/// What the bytes of a field mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A number.
    Integer(Integer),
    /// An address, of the kernel or of the process: not what is there.
    Pointer,
    /// The elements themselves, one behind the other.
    Array {
        /// Whether they are characters.
        text: bool,
    },
    /// A word that tells where in the record the elements are (`__data_loc`, `__rel_loc`; include/trace/stages/).
    Located {
        /// Whether they are characters.
        text: bool,
        /// Whether it counts from the end of the word (`__rel_loc`) instead of from the beginning of the record.
        relative: bool,
    },
    /// Something else: a structure.
    Opaque,
}

/// A number in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Integer {
    /// How many bytes count: 1, 2, 4 or 8. An argument of a system call has a register, of which an `int` is the lower half.
    pub bytes: u8,
    /// Whether it may be negative.
    pub signed: bool,
}

/// What compilers make of the mark `__user`.
const USER_MARKS: [&str; 2] = ["__attribute__((user))", "btf_type_tag(\"user\")"];

/// What precedes a declaration whose elements are elsewhere in the record, and whether it is relative.
const LOCATIONS: [(&str, bool); 2] = [("__data_loc ", false), ("__rel_loc ", true)];

impl Field {
    /// The field with this declaration at this place. `signed` is nothing where the kernel does not tell.
    pub(super) fn declared(text: &str, offset: u32, size: u32, signed: Option<bool>, common: bool) -> Option<Self> {
        let user = USER_MARKS.iter().any(|mark| text.contains(mark));
        let text = without_attributes(text)?;
        let location = LOCATIONS.iter().find_map(|(word, relative)| Some((*word, *relative, text.strip_prefix(word)?)));
        let (declaration, relative) =
            location.map_or((text.as_str(), None), |(_, relative, rest)| (rest, Some(relative)));
        let (head, dimensions) = split_dimensions(declaration);
        let ctype = head.trim_end_matches(is_identifier);
        let (ctype, name) = (ctype.trim(), &head[ctype.len()..]);
        if ctype.is_empty() || name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let element = ctype.split('[').next().unwrap_or_default();
        let known = known_integer(element);
        let signed_here = signed.unwrap_or(known.is_some_and(|known| known.signed));
        let is_array = !dimensions.is_empty() || ctype.ends_with(']');
        let is_text = plain(element) == "char";
        let shape = match relative {
            Some(relative) if size == 4 => Shape::Located { text: is_text, relative },
            Some(_) => Shape::Opaque,
            None if is_array => Shape::Array { text: is_text },
            None if ctype.contains('*') => Shape::Pointer,
            None => integer(ctype, size, signed_here, known).map_or(Shape::Opaque, Shape::Integer),
        };
        let word = location.map_or("", |(word, _, _)| word);
        Some(Self {
            name: name.to_owned(),
            declared: format!("{word}{ctype}{dimensions}"),
            offset,
            size,
            signed: signed_here,
            common,
            user,
            shape,
        })
    }
}

/// The number that a field of this type and size holds, if it holds one.
fn integer(ctype: &str, size: u32, signed: bool, known: Option<Integer>) -> Option<Integer> {
    if ["struct ", "union "].iter().any(|word| plain(ctype).starts_with(word)) || ![1, 2, 4, 8].contains(&size) {
        return None;
    }
    // The type says more than the field: arguments of system calls are all as large as a register, and unsigned.
    let known = known.filter(|known| u32::from(known.bytes) <= size);
    Some(known.unwrap_or(Integer { bytes: u8::try_from(size).ok()?, signed }))
}

/// The types whose size and sign are the same on every machine that the exporter runs on. A plain `char` has no sign of its
/// own, and what is not here is as the field says.
fn known_integer(ctype: &str) -> Option<Integer> {
    let (bytes, signed) = match plain(ctype).as_str() {
        "bool" | "unsigned char" | "u8" | "__u8" | "uint8_t" => (1, false),
        "signed char" | "s8" | "__s8" | "int8_t" => (1, true),
        "unsigned short" | "u16" | "__u16" | "uint16_t" | "umode_t" => (2, false),
        "short" | "s16" | "__s16" | "int16_t" => (2, true),
        "unsigned" | "unsigned int" | "uint" | "u32" | "__u32" | "uint32_t" | "uid_t" | "gid_t" => (4, false),
        "int" | "s32" | "__s32" | "int32_t" | "pid_t" | "clockid_t" | "key_t" | "mqd_t" | "timer_t" => (4, true),
        "unsigned long" | "unsigned long long" | "u64" | "__u64" | "uint64_t" | "size_t" => (8, false),
        "long" | "long long" | "s64" | "__s64" | "int64_t" | "loff_t" | "off_t" | "ssize_t" => (8, true),
        _ => return None,
    };
    Some(Integer { bytes, signed })
}

/// A type without what does not change what it holds.
fn plain(ctype: &str) -> String {
    let words = ctype.split_whitespace().filter(|word| !["const", "volatile"].contains(word));
    words.collect::<Vec<_>>().join(" ")
}

/// A declaration without its attributes; nothing when one does not end.
fn without_attributes(text: &str) -> Option<String> {
    let (mut left, mut rest) = (String::new(), text);
    while let Some((before, attribute)) = rest.split_once("__attribute__") {
        left.push_str(before);
        left.push(' ');
        let attribute = attribute.trim_start();
        let mut depth = 0usize;
        let end = attribute.char_indices().find_map(|(at, character)| {
            depth = match character {
                '(' => depth + 1,
                ')' => depth.saturating_sub(1),
                _ => depth,
            };
            (depth == 0).then_some(at)
        })?;
        // An attribute without parentheses is none, and then its first character stays.
        rest = attribute[end..].strip_prefix(')')?;
    }
    left.push_str(rest);
    Some(left.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// What stands before the dimensions behind a name, and these.
fn split_dimensions(declaration: &str) -> (&str, &str) {
    let mut head = declaration.trim_end();
    while let Some(open) = head.strip_suffix(']').and_then(|inner| inner.rfind('[')) {
        head = head[..open].trim_end();
    }
    (head, declaration[head.len()..].trim())
}

fn is_identifier(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(text: &str, size: u32, signed: Option<bool>) -> Option<Field> {
        Field::declared(text, 8, size, signed, false)
    }

    #[test]
    fn names_types_and_shapes() {
        let number = |bytes, signed| Shape::Integer(Integer { bytes, signed });
        let array = |text| Shape::Array { text };
        let located = |text, relative| Shape::Located { text, relative };
        for (text, size, signed, name, declared, shape) in [
            ("pid_t pid", 4, true, "pid", "pid_t", number(4, true)),
            ("unsigned short common_type", 2, false, "common_type", "unsigned short", number(2, false)),
            ("char state", 1, false, "state", "char", number(1, false)),
            ("xfs_lsn_t lsn", 8, true, "lsn", "xfs_lsn_t", number(8, true)),
            ("enum zone_type z", 4, false, "z", "enum zone_type", number(4, false)),
            ("struct qstr name", 8, false, "name", "struct qstr", Shape::Opaque),
            ("const struct path p", 16, false, "p", "const struct path", Shape::Opaque),
            ("char comm[16]", 16, false, "comm", "char[16]", array(true)),
            ("char comm[TASK_COMM_LEN]", 16, false, "comm", "char[TASK_COMM_LEN]", array(true)),
            ("unsigned char mac[6]", 6, false, "mac", "unsigned char[6]", array(false)),
            ("u8 map[4][6]", 24, false, "map", "u8[4][6]", array(false)),
            ("unsigned long caller[]", 0, false, "caller", "unsigned long[]", array(false)),
            ("void * ptr", 8, false, "ptr", "void *", Shape::Pointer),
            ("const char *const * envp", 8, false, "envp", "const char *const *", Shape::Pointer),
            ("const void* ip", 8, false, "ip", "const void*", Shape::Pointer),
            ("__data_loc char[] filename", 4, false, "filename", "__data_loc char[]", located(true, false)),
            ("__data_loc unsigned char[] d", 4, false, "d", "__data_loc unsigned char[]", located(false, false)),
            ("__rel_loc char[] msg", 4, false, "msg", "__rel_loc char[]", located(true, true)),
            ("__data_loc char[] odd", 8, false, "odd", "__data_loc char[]", Shape::Opaque),
        ] {
            let found = field(text, size, Some(signed)).unwrap_or_else(|| panic!("`{text}` is refused"));
            assert_eq!((found.name.as_str(), found.declared.as_str(), found.shape), (name, declared, shape), "{text}");
            assert_eq!((found.offset, found.size, found.signed), (8, size, signed), "{text}");
        }
    }

    #[test]
    fn attributes_are_noise() {
        for text in [
            "const char __attribute__((user)) * name",
            "const char __attribute__((btf_type_tag(\"user\"))) * name",
            "const __attribute__((btf_type_tag(\"a)(\"))) char __attribute__((noderef, address_space(1))) *name",
        ] {
            let found = field(text, 8, Some(false));
            let found = found.map(|field| (field.declared.replace(' ', ""), field.name, field.shape, field.user));
            // A parenthesis in a text is taken for one, which only matters when they do not match.
            let expected = ("constchar*".to_owned(), "name".to_owned(), Shape::Pointer, !text.contains("noderef"));
            assert_eq!(found, Some(expected), "{text}");
        }
    }

    #[test]
    fn arguments_of_system_calls_are_as_wide_as_their_type() {
        for (text, expected) in [
            ("int dfd", Integer { bytes: 4, signed: true }),
            ("umode_t mode", Integer { bytes: 2, signed: false }),
            ("const clockid_t which_clock", Integer { bytes: 4, signed: true }),
            ("long value", Integer { bytes: 8, signed: true }),
            ("unsigned long value", Integer { bytes: 8, signed: false }),
            ("some_t value", Integer { bytes: 8, signed: false }),
        ] {
            assert_eq!(field(text, 8, Some(false)).map(|field| field.shape), Some(Shape::Integer(expected)), "{text}");
        }
    }

    #[test]
    fn a_sign_that_is_not_told_is_that_of_the_type() {
        for (text, size, signed) in
            [("int a", 4, true), ("u32 a", 4, false), ("some_t a", 4, false), ("char a", 1, false)]
        {
            assert_eq!(field(text, size, None).map(|field| field.signed), Some(signed), "{text}");
        }
    }

    #[test]
    fn what_is_no_declaration() {
        for text in [
            "",
            "pid",
            "int",
            "int 4pid",
            "[4]",
            "int ]",
            "char *",
            "int x __attribute__((y)",
            "void (*f)(int)",
            "int \u{e9}1",
        ] {
            assert_eq!(field(text, 4, None), None, "{text}");
        }
    }
}
