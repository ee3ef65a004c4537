//! `doubleslit ns`.

use std::{path::Path, process::ExitCode};

use clap::Args;
use serde_json::{Map, Value};

use super::{
    Failure,
    output::{self, Output},
};
use crate::namespaces::{self, Namespaces};

/// The arguments of `ns`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Process, or thread, to look at
    #[arg(value_name = "PID", value_parser = clap::value_parser!(u32).range(1..))]
    pid: u32,

    /// Form of the list
    #[arg(short, long, value_enum, value_name = "FORM", default_value_t)]
    output: Output,
}

pub(super) fn execute(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let Arguments { pid, output } = *arguments;
    let found = namespaces::of(Path::new("/proc"), pid).map_err(|error| Failure::Failed(error.into()))?;
    match output {
        Output::Text => output::print(&text(&found)),
        Output::Json => output::print(&output::json(&json(pid, &found))?),
    }
}

/// A line for each namespace.
pub(super) fn text(namespaces: &Namespaces) -> String {
    let Namespaces { own, children } = namespaces;
    let mut rows = Vec::new();
    for (kind, id) in own {
        rows.push([kind.name().to_owned(), id.to_string()]);
        if let Some((id, name)) = children.get(kind).zip(kind.for_children()) {
            rows.push([name.to_owned(), id.map_or("no process yet".to_owned(), |id| id.to_string())]);
        }
    }
    output::table(["TYPE", "NAMESPACE"], &rows)
}

/// An object with an id for each type.
pub(super) fn json(pid: u32, namespaces: &Namespaces) -> Value {
    let Namespaces { own, children } = namespaces;
    let own: Map<String, Value> = own.iter().map(|(kind, id)| (kind.name().to_owned(), (*id).into())).collect();
    let children: Map<String, Value> =
        children.iter().map(|(kind, id)| (kind.name().to_owned(), (*id).into())).collect();
    serde_json::json!({ "pid": pid, "namespaces": own, "children": children })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::namespaces::Type;

    fn sample() -> Namespaces {
        Namespaces {
            own: [(Type::Net, 4_026_531_833), (Type::Pid, 4_026_531_836), (Type::Time, 4_026_531_834)].into(),
            children: [(Type::Pid, None), (Type::Time, Some(4_026_532_177))].into(),
        }
    }

    #[test]
    fn a_line_for_each_namespace() {
        assert_eq!(
            text(&sample()),
            "TYPE                NAMESPACE\n\
             net                 4026531833\n\
             pid                 4026531836\n\
             pid_for_children    no process yet\n\
             time                4026531834\n\
             time_for_children   4026532177\n"
        );
    }

    #[test]
    fn an_object_for_programs() {
        assert_eq!(
            json(7, &sample()).to_string(),
            r#"{"children":{"pid":null,"time":4026532177},"namespaces":{"net":4026531833,"pid":4026531836,"time":4026531834},"pid":7}"#
        );
    }
}
