//! `doubleslit tracepoints`.

use std::process::ExitCode;

use anyhow::anyhow;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{
    ConfigArguments, Failure,
    output::{self, Output},
};
use crate::{
    config::Flags,
    tracepoints::{
        field::{Field, Integer, Shape},
        format::Format,
        name::{Name, NameError, Selector},
        tracefs::Tracefs,
    },
};

/// The arguments of `tracepoints`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    form: Form,

    /// Tracepoints to list, such as `block:*` or `*fork*`; all unless given
    #[arg(value_name = "PATTERN", value_parser = Selector::parse)]
    pattern: Option<Selector>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the fields of a tracepoint's records
    Show(Show),
}

#[derive(Debug, Args)]
struct Show {
    #[command(flatten)]
    form: Form,

    /// Tracepoint, such as `sched:sched_process_fork`
    #[arg(value_name = "NAME", value_parser = Selector::parse)]
    name: Selector,
}

#[derive(Debug, Args)]
struct Form {
    #[command(flatten)]
    config: ConfigArguments,

    /// Form of the list
    #[arg(short, long, value_enum, value_name = "FORM", default_value_t)]
    output: Output,
}

pub(super) fn execute(arguments: &Arguments) -> Result<ExitCode, Failure> {
    match arguments {
        Arguments { command: Some(Command::Show(Show { form, name })), .. } => {
            let (tracefs, all) = find(form)?;
            let name = one(name, &all)?;
            let format = tracefs.format(name).map_err(failed)?;
            match form.output {
                Output::Text => output::print(&fields(&format)),
                Output::Json => output::print(&output::json(&described(name, &format))?),
            }
        }
        Arguments { command: None, form, pattern } => {
            let (_, all) = find(form)?;
            let found = match pattern {
                Some(pattern) => pattern.among(&all).map_err(failed)?,
                None => all.iter().collect(),
            };
            match form.output {
                Output::Text => output::print(&found.iter().map(|name| format!("{name}\n")).collect::<String>()),
                Output::Json => output::print(&output::json(&found.into_iter().map(named).collect::<Vec<_>>())?),
            }
        }
    }
}

fn failed(error: impl Into<anyhow::Error>) -> Failure {
    Failure::Failed(error.into())
}

fn find(form: &Form) -> Result<(Tracefs, Vec<Name>), Failure> {
    let config = form.config.load(&Flags::default())?;
    let tracefs = Tracefs::find(&config.identity.host_root).map_err(failed)?;
    let names = tracefs.names().map_err(failed)?;
    Ok((tracefs, names))
}

/// The one tracepoint that is meant.
fn one<'a>(selector: &Selector, all: &'a [Name]) -> Result<&'a Name, Failure> {
    let found = selector.among(all).map_err(|error: NameError| failed(error))?;
    match found[..] {
        [name] => Ok(name),
        _ => Err(failed(anyhow!(
            "`{}` means {} tracepoints, of which the first are `{}` and `{}`: expected one",
            selector.text(),
            found.len(),
            found[0],
            found[1]
        ))),
    }
}

/// A line for each field.
fn fields(format: &Format) -> String {
    let line = |field: &Field| {
        let Field { name, declared, offset, size, signed: _, common: _, user: _, shape } = field;
        [name.clone(), declared.clone(), offset.to_string(), size.to_string(), meaning(*shape)]
    };
    output::table(["FIELD", "TYPE", "OFFSET", "SIZE", "HOLDS"], &format.fields.iter().map(line).collect::<Vec<_>>())
}

/// What a field's bytes mean, in words.
fn meaning(shape: Shape) -> String {
    match shape {
        Shape::Integer(Integer { bytes, signed }) => {
            format!("{}{}", if signed { "s" } else { "u" }, 8 * u32::from(bytes))
        }
        Shape::Pointer => "address".to_owned(),
        Shape::Array { text: true } | Shape::Located { text: true, .. } => "text".to_owned(),
        Shape::Array { text: false } | Shape::Located { text: false, .. } | Shape::Opaque => "bytes".to_owned(),
    }
}

fn named(name: &Name) -> Value {
    let Name { category, name: own } = name;
    json!({ "tracepoint": name.to_string(), "category": category, "name": own })
}

/// An object with everything that is known of a tracepoint.
fn described(name: &Name, format: &Format) -> Value {
    let field = |field: &Field| {
        let Field { name, declared, offset, size, signed, common, user: _, shape } = field;
        json!({
            "name": name, "type": declared, "offset": offset, "size": size, "signed": signed, "common": common,
            "holds": meaning(*shape),
        })
    };
    let Format { name: _, id, fields, print } = format;
    let fields: Vec<_> = fields.iter().map(field).collect();
    json!({ "tracepoint": name.to_string(), "id": id, "fields": fields, "print": print })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format() -> Format {
        let description = "name: openat\nID: 7\nformat:\n\
                           \tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\n\
                           \tfield:__data_loc char[] comm;\toffset:8;\tsize:4;\tsigned:0;\n\
                           \tfield:int dfd;\toffset:16;\tsize:8;\tsigned:0;\n\
                           \tfield:const char * filename;\toffset:24;\tsize:8;\tsigned:0;\n\
                           \tfield:u8 addr[16];\toffset:32;\tsize:16;\tsigned:0;\n\nprint fmt: \"%d\", REC->dfd\n";
        Format::parse(description).expect("it is one")
    }

    #[test]
    fn a_line_for_each_field() {
        assert_eq!(
            fields(&format()),
            "FIELD         TYPE                OFFSET   SIZE   HOLDS\n\
             common_type   unsigned short      0        2      u16\n\
             comm          __data_loc char[]   8        4      text\n\
             dfd           int                 16       8      s32\n\
             filename      const char *        24       8      address\n\
             addr          u8[16]              32       16     bytes\n"
        );
    }

    #[test]
    fn an_object_for_programs() {
        let name = Name { category: "syscalls".to_owned(), name: "openat".to_owned() };
        let mut described = described(&name, &format());
        assert_eq!(
            described["fields"][2].take().to_string(),
            r#"{"common":false,"holds":"s32","name":"dfd","offset":16,"signed":false,"size":8,"type":"int"}"#
        );
        described["fields"] = Value::Null;
        assert_eq!(
            described.to_string(),
            r#"{"fields":null,"id":7,"print":"\"%d\", REC->dfd","tracepoint":"syscalls:openat"}"#
        );
        assert_eq!(
            named(&name).to_string(),
            r#"{"category":"syscalls","name":"openat","tracepoint":"syscalls:openat"}"#
        );
    }

    #[test]
    fn one_is_meant_or_it_is_told() {
        let of = |category: &str| Name { category: category.to_owned(), name: "x".to_owned() };
        let all = [of("a"), of("b")];
        let meant = |text| one(&Selector::parse(text).expect(text), &all).map_err(|failure| failure.to_string());
        assert_eq!(meant("b:x"), Ok(&all[1]));
        for (text, expected) in [
            ("x", "`x` means 2 tracepoints, of which the first are `a:x` and `b:x`: expected one"),
            ("y", "this kernel has no tracepoint `y`: expected one of `a:x`, `b:x`"),
        ] {
            assert_eq!(meant(text), Err(expected.to_owned()));
        }
    }
}
