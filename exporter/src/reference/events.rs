//! The reference of single events.

use std::fmt::Write;

use doubleslit_common::kind::Kind;

use crate::{
    events::fields::{self, Field, KINDS},
    probes::{PROBES, Probe, Program, tracepoint::EVENT_PROGRAM},
};

const HEAD: &str = "# Events

Printed from the tables in `exporter/src/events/fields` and `exporter/src/probes` by `cargo xtask docs`; do not edit.

`doubleslit watch` prints single events, one line each. A field has a name, which logfmt and text use, and an attribute, which is
its name in OpenTelemetry and its key in JSON. What is not known is left out, and so is what does not apply.

In JSON, `event` (the event's name) and `time` (RFC 3339 with nanoseconds) come first, then the attributes in the order of the
tables below. Logfmt begins with `time` and `event`, and goes on in the same order. In text, what a process or a person has chosen
is in quotes where it is not one plain word.

Names and arguments that are no UTF-8 have `\\xNN` in place of every byte that does not fit.

A field can be pairs of names and values, of which the names are only known when the event is. JSON has an object for it, logfmt a
field `field.name` for each, text the pairs alone, and OpenTelemetry a list of keys and values; numbers above 2⁶³ are text there,
because its own have a sign.
";

/// The whole reference, as Markdown.
#[must_use]
pub fn events() -> String {
    let mut text = HEAD.to_owned();
    text.push_str("\n## Fields that tell whose it is\n\n| field | attribute | events | meaning |\n|---|---|---|---|\n");
    for Field { name, attribute, help, kinds, .. } in fields::all().filter(|field| !fields::is_of_kind(field)) {
        // Writing to a text cannot fail, here and below.
        let _ = writeln!(text, "| `{name}` | `{attribute}` | {} | {help}. |", which(kinds));
    }
    for kind in KINDS {
        describe(&mut text, *kind);
    }
    text
}

fn describe(text: &mut String, kind: Kind) {
    let _ = writeln!(text, "\n## Event `{}`", kind.name());
    if let Some((probe, program)) = program(kind) {
        let (name, tracepoint) = (program.name, program.tracepoint);
        let _ = writeln!(text, "\nProbe `{}`, program `{name}`, tracepoint `{tracepoint}`.", probe.name);
    } else if EVENT_PROGRAM.kinds.contains(&kind) {
        let _ = writeln!(text, "\nNo probe; program `{}`, on each tracepoint that is asked for.", EVENT_PROGRAM.name);
    }
    let mut own = fields::of_kind(kind).iter().filter(|field| fields::is_of_kind(field)).peekable();
    if own.peek().is_some() {
        text.push_str("\n| field | attribute | meaning |\n|---|---|---|\n");
    }
    for Field { name, attribute, help, .. } in own {
        let _ = writeln!(text, "| `{name}` | `{attribute}` | {help}. |");
    }
}

/// The program that sends events of a kind, or notices what they are made of.
fn program(kind: Kind) -> Option<(&'static Probe, &'static Program)> {
    let of = |programs: fn(&'static Probe) -> &'static [Program]| {
        let all = PROBES.into_iter().flat_map(move |probe| programs(probe).iter().map(move |program| (probe, program)));
        all.into_iter().find(|(_, program)| program.kinds.contains(&kind))
    };
    of(|probe| probe.events).or_else(|| of(|probe| probe.programs))
}

/// Some kinds, told by those that are missing where these are fewer.
fn which(kinds: &[Kind]) -> String {
    let names = |kinds: &[Kind]| kinds.iter().map(|kind| format!("`{}`", kind.name())).collect::<Vec<_>>().join(", ");
    let others: Vec<_> = KINDS.iter().copied().filter(|kind| !kinds.contains(kind)).collect();
    match others.len() {
        0 => "all".to_owned(),
        count if count < kinds.len() => format!("all but {}", names(&others)),
        _ => names(kinds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_and_field_is_there() {
        let text = events();
        for kind in KINDS {
            let name = kind.name();
            let sections: Vec<_> = text.split(&format!("\n## Event `{name}`\n\n")).skip(1).collect();
            let head = sections.first().and_then(|section| section.lines().next()).unwrap_or_default();
            assert!(
                sections.len() == 1 && [", program `", "; program `"].iter().any(|words| head.contains(words)),
                "{name}: {head}"
            );
        }
        for field in fields::all() {
            let count = text.matches(&format!("| `{}` | `{}` |", field.name, field.attribute)).count();
            let expected = if fields::is_of_kind(field) { field.kinds.len() } else { 1 };
            assert_eq!(count, expected, "{}", field.name);
        }
    }
}
