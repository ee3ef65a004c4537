//! The description that tracefs has of each tracepoint: the file `events/<category>/<name>/format`.
//!
//! The kernel writes it in `f_show` (kernel/trace/trace_events.c), in this form for many years.

use super::field::Field;

/// What a tracepoint's records hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    /// Its name without its category.
    pub name: String,
    /// Its number while this kernel runs.
    pub id: u32,
    /// The fields, in the order of the description: first those that all tracepoints have.
    pub fields: Vec<Field>,
    /// How the kernel itself would print a record.
    pub print: String,
}

/// What is wrong with a description.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// It lacks a line.
    #[error("it has no line `{0}`")]
    Missing(&'static str),
    /// A line that is not understood.
    #[error("its line `{0}` is not understood")]
    Line(String),
}

impl Format {
    /// Reads a description.
    ///
    /// # Errors
    ///
    /// When a line is missing or not understood.
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        let (mut name, mut id, mut fields, mut common) = (None, None, Vec::new(), true);
        let (described, print) = text.split_once("\nprint fmt:").unwrap_or((text, ""));
        for line in described.lines() {
            let refused = || FormatError::Line(line.trim().replace(char::is_control, " "));
            match line.trim() {
                // An empty line separates the fields that all tracepoints have from the others.
                "" => common &= fields.is_empty(),
                "format:" => {}
                line => match line.split_once(':') {
                    Some(("name", value)) => name = Some(value.trim().to_owned()),
                    Some(("ID", value)) => id = Some(value.trim().parse().map_err(|_| refused())?),
                    // The second is what ftrace's own records have.
                    Some(("field" | "field special", rest)) => {
                        fields.push(field(rest, common).ok_or_else(refused)?);
                    }
                    _ => return Err(refused()),
                },
            }
        }
        Ok(Self {
            name: name.ok_or(FormatError::Missing("name:"))?,
            id: id.ok_or(FormatError::Missing("ID:"))?,
            fields,
            print: print.trim().to_owned(),
        })
    }

    /// The field with this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// The field of a line: its declaration, then numbers with names. Old kernels do not tell the sign.
fn field(line: &str, common: bool) -> Option<Field> {
    let (declaration, numbers) = line.split_once(';')?;
    let (mut offset, mut size, mut signed) = (None, None, None);
    for number in numbers.split(';').map(str::trim).filter(|number| !number.is_empty()) {
        let (name, value) = number.split_once(':')?;
        let place = match name {
            "offset" => &mut offset,
            "size" => &mut size,
            "signed" => &mut signed,
            _ => continue,
        };
        *place = Some(value.trim().parse::<u32>().ok()?);
    }
    Field::declared(declaration, offset?, size?, signed.map(|signed| signed != 0), common)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracepoints::field::{Integer, Shape};

    const HEAD: &str = "name: f\nID: 7\nformat:\n";

    #[test]
    fn a_whole_description() {
        let format = Format::parse(include_str!("../../tests/fixtures/parsers/tracepoint_format/sched_process_fork"));
        let format = format.expect("the kernel wrote it");
        assert_eq!((format.name.as_str(), format.id), ("sched_process_fork", 366));
        let fields: Vec<_> =
            format.fields.iter().map(|field| (field.name.as_str(), field.offset, field.size, field.common)).collect();
        assert_eq!(
            fields,
            [
                ("common_type", 0, 2, true),
                ("common_flags", 2, 1, true),
                ("common_preempt_count", 3, 1, true),
                ("common_pid", 4, 4, true),
                ("parent_comm", 8, 4, false),
                ("parent_pid", 12, 4, false),
                ("child_comm", 16, 4, false),
                ("child_pid", 20, 4, false),
            ]
        );
        assert!(format.print.starts_with("\"comm=%s pid=%d") && format.print.ends_with("REC->child_pid"));
        assert_eq!(format.field("child_pid").map(|field| field.signed), Some(true));
        assert_eq!(format.field("child"), None);
    }

    /// What other kernels write, which no other reader at hand understands as a whole.
    #[test]
    fn a_description_by_hand() {
        let format = Format::parse(include_str!("../../tests/fixtures/parsers/tracepoint_format/by_hand"));
        let format = format.expect("it is one");
        let fields = format.fields.iter().filter(|field| !field.common);
        let fields: Vec<_> = fields.map(|field| (field.name.as_str(), field.declared.as_str(), field.shape)).collect();
        assert_eq!(
            fields,
            [
                ("message", "__rel_loc char[]", Shape::Located { text: true, relative: true }),
                ("numbers", "__rel_loc u32[]", Shape::Located { text: false, relative: true }),
                ("path", "const char *", Shape::Pointer),
                ("file", "const char *", Shape::Pointer),
                ("mask", "__data_loc cpumask_t *[]", Shape::Located { text: false, relative: false }),
                ("old", "int", Shape::Integer(Integer { bytes: 4, signed: true })),
                ("table", "u8[2][3]", Shape::Array { text: false }),
                ("comm", "char[TASK_COMM_LEN]", Shape::Array { text: true }),
                ("address", "struct sockaddr_storage", Shape::Opaque),
                ("tail", "char[]", Shape::Array { text: true }),
            ]
        );
        assert_eq!(format.print, "\"%s\n%s\", __get_rel_str(message), REC->file");
    }

    #[test]
    fn old_kernels_do_not_tell_the_sign() {
        let format = Format::parse(&format!("{HEAD}\tfield:int pid;\toffset:4;\tsize:4;\n\nprint fmt: \"\"\n"));
        assert_eq!(format.map(|format| format.fields[0].signed), Ok(true));
    }

    #[test]
    fn mistakes() {
        for (text, expected) in [
            ("", FormatError::Missing("name:")),
            ("name: f\n", FormatError::Missing("ID:")),
            ("name: f\nID: -1\n", FormatError::Line("ID: -1".to_owned())),
            ("name: f\nID: 1\nwhat\n", FormatError::Line("what".to_owned())),
            ("name: f\nfield:int a;\toffset:1;\n", FormatError::Line("field:int a; offset:1;".to_owned())),
            ("name: f\nfield:int;\toffset:1;\tsize:4;\n", FormatError::Line("field:int; offset:1; size:4;".to_owned())),
            ("field:int a;offset:x;size:4;\n", FormatError::Line("field:int a;offset:x;size:4;".to_owned())),
        ] {
            assert_eq!(Format::parse(text), Err(expected), "{text:?}");
        }
    }
}
