//! Descriptions of tracepoints, and records as they describe them.

use std::fmt::Write as _;

use doubleslit::tracepoints::{
    field::{Field, Shape},
    format::Format,
    name::Name,
    record::{Endian, Record},
};

/// What must hold for every text: what is understood means the same when it is written again.
pub(crate) fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let format = match Format::parse(&text) {
        Ok(format) => format,
        Err(error) => return assert!(!error.to_string().contains('\n'), "{error}"),
    };
    assert_eq!(Format::parse(&written(&format)), Ok(format.clone()), "{text}");
    for Field { name, declared, size, shape, .. } in &format.fields {
        assert!(!name.is_empty() && !declared.is_empty() && !declared.contains("__attribute__"), "{declared} {name}");
        if let Shape::Integer(integer) = shape {
            assert!(u32::from(integer.bytes) <= *size && integer.bytes.is_power_of_two(), "{declared} {name}");
        }
    }
    // Any bytes can be a record, and those of its own description are as good as others.
    let name = Name { category: "made".to_owned(), name: "up".to_owned() };
    for endian in [Endian::Little, Endian::Big] {
        read(&Record::new(&name, &format, bytes, endian), &format, bytes);
    }
}

/// What must hold for every record: each field has a value or an error, and none reaches out of the record.
fn read(record: &Record<'_>, format: &Format, bytes: &[u8]) {
    // Of several fields with a name the first is meant.
    for Field { name, size, shape, .. } in format.fields.iter().filter_map(|field| format.field(&field.name)) {
        match record.bytes(name) {
            Ok(found) => assert!(found.is_empty() || bytes.as_ptr_range().contains(&found.as_ptr())),
            Err(error) => assert!(!error.to_string().contains('\n'), "{error}"),
        }
        let (int, uint, text) = (record.int(name), record.uint(name), record.text(name));
        let is_number = matches!(shape, Shape::Integer(_)) || (*shape == Shape::Pointer && *size <= 8);
        assert!(is_number || (int.is_err() && uint.is_err()), "{name}");
        if let (Ok(int), Ok(uint)) = (&int, &uint) {
            assert_eq!(i128::from(*int), i128::from(*uint), "{name}");
        }
        assert!(!text.is_ok_and(|text| text.contains(&0)), "{name}");
    }
}

/// A description that means the same.
fn written(format: &Format) -> String {
    let Format { name, id, fields, print } = format;
    let mut text = format!("name: {name}\nID: {id}\nformat:\n");
    let mut common = true;
    for field in fields {
        if common && !field.common {
            text.push('\n');
        }
        common = field.common;
        let Field { name, declared, offset, size, signed, user, .. } = field;
        let (signed, mark) = (u8::from(*signed), if *user { "__attribute__((user)) " } else { "" });
        // Writing to a text cannot fail.
        let _ = writeln!(text, "\tfield:{mark}{declared} {name};\toffset:{offset};\tsize:{size};\tsigned:{signed};");
    }
    text + "\nprint fmt: " + print + "\n"
}
