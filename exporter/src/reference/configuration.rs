//! The reference of the configuration, and its JSON schema, out of the documented example.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use crate::config::{Applies, Setting, Takes, settings};

const HEAD: &str = "# Configuration

Printed from [config/doubleslit.yaml](../config/doubleslit.yaml), which has every setting with its default, by `cargo xtask docs`; do
not edit.

A setting is taken from its default, then from the file that `--config.file` names, then from the environment, then from the
command line; the last one wins. Unknown keys and variables are refused, and the refusal says which there are.
`doubleslit run --config.check` checks everything and exits.

Lists in variables have commas between their items. Lists of rules have no variable. Durations are written like `500ms`, `1s`, `5m` or
`1h 30m`.

A running exporter reads the configuration again when it is told to, which [reload.md](reload.md) tells. Of each setting is said
whether a change of it applies then (live) or with the next start (restart).

[config/doubleslit.schema.json](../config/doubleslit.schema.json) is a JSON schema of the file, for editors that complete and check
YAML: those with yaml-language-server take it from a comment in the file's first line,
`# yaml-language-server: $schema=<where the schema is>`.
";

/// The whole reference of the configuration, as Markdown.
#[must_use]
pub fn configuration() -> String {
    let mut text = HEAD.to_owned();
    for Setting { path, about, takes, default, variable, applies } in settings() {
        let depth = path.split('.').count();
        if depth == 1 || takes == Takes::Section {
            // Writing to a text cannot fail, here and below.
            let _ = write!(text, "\n{} `{path}`\n", "#".repeat(depth + 1));
        }
        if takes != Takes::Section {
            let variable = variable.map(|name| format!(", `{name}`")).unwrap_or_default();
            let applies = applies.map_or("", Applies::name);
            let _ = write!(text, "\n* `{path}` ({applies}): {}, by default `{default}`{variable}\n", words(&takes));
        }
        let indent = if takes == Takes::Section { "" } else { "  " };
        describe(&mut text, &path, &about, indent);
    }
    text
}

/// The lines about a setting: words, and examples, which stand deeper.
fn describe(text: &mut String, path: &str, about: &[String], indent: &str) {
    for lines in about.chunk_by(|one, next| is_example(one) == is_example(next)) {
        text.push('\n');
        if !is_example(&lines[0]) {
            for line in lines {
                let _ = writeln!(text, "{indent}{}", escaped(line));
            }
            continue;
        }
        let _ = writeln!(text, "{indent}```yaml");
        let sections = path.rsplit_once('.').map_or("", |(sections, _)| sections);
        let mut deeper = indent.to_owned();
        for section in sections.split('.').filter(|section| !section.is_empty()) {
            let _ = writeln!(text, "{deeper}{section}:");
            deeper.push_str("  ");
        }
        for line in lines {
            let _ = writeln!(text, "{deeper}{}", &line[2..]);
        }
        let _ = writeln!(text, "{indent}```");
    }
}

fn is_example(line: &str) -> bool {
    line.starts_with("  ")
}

/// Words of a comment as Markdown shows them as they are.
fn escaped(line: &str) -> String {
    let parts = line.split('`').enumerate();
    let parts = parts.map(
        |(number, part)| {
            if number % 2 == 1 { part.to_owned() } else { part.replace('*', "\\*").replace('<', "\\<") }
        },
    );
    parts.collect::<Vec<_>>().join("`")
}

/// What a setting takes, in words.
fn words(takes: &Takes) -> String {
    match takes {
        Takes::Section => "a section".to_owned(),
        Takes::Rules(example) => format!("a list of rules such as `{example}`"),
        Takes::List(item) => match &**item {
            Takes::Choice(_) => format!("a list, each {}", words(item)),
            _ => "a list of texts".to_owned(),
        },
        Takes::Switch => "`true` or `false`".to_owned(),
        Takes::Number => "a whole number".to_owned(),
        Takes::Duration => "a duration".to_owned(),
        Takes::Choice(names) => {
            format!("one of {}", names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))
        }
        Takes::Text => "a text".to_owned(),
        Takes::Perhaps(inner) => format!("{}, or nothing", words(inner)),
    }
}

/// The JSON schema of the configuration's file.
#[must_use]
pub fn schema() -> String {
    let mut schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$comment": "Printed from config/doubleslit.yaml by `cargo xtask docs`; do not edit.",
        "title": "Configuration of doubleslit",
        "type": "object",
        "additionalProperties": false,
        "properties": {},
    });
    let mut last = Vec::new();
    for Setting { path, about, takes, default, .. } in settings() {
        let mut described = described(&takes);
        if takes != Takes::Section {
            described.insert("default".to_owned(), default);
        }
        // What has no words of its own has those that stand before it.
        if !about.is_empty() {
            last = about;
        }
        described.insert("description".to_owned(), last.join("\n").into());
        let place = path.split('.').fold(&mut schema, |schema, key| &mut schema["properties"][key]);
        *place = described.into();
    }
    format!("{schema:#}\n")
}

/// What the schema says of values.
fn described(takes: &Takes) -> Map<String, Value> {
    let value = match takes {
        Takes::Section => json!({"type": ["object", "null"], "additionalProperties": false, "properties": {}}),
        Takes::Rules(_) => json!({"type": "array", "items": {"type": ["object", "string"]}}),
        Takes::List(item) => json!({"type": "array", "items": described(item)}),
        // Texts of these words are taken as well.
        Takes::Switch => json!({"enum": [true, false, "true", "false"]}),
        Takes::Number => json!({"type": ["integer", "string"], "minimum": 0, "pattern": "^[0-9]+$"}),
        Takes::Duration => json!({"type": "string", "pattern": "^ *([0-9]+ *[a-zA-Z]+ *)+$"}),
        Takes::Choice(names) => json!({"enum": names}),
        Takes::Text => json!({"type": ["string", "number", "boolean"]}),
        Takes::Perhaps(inner) => json!({"anyOf": [{"const": ""}, described(inner)]}),
    };
    let Value::Object(described) = value else { unreachable!("all of them are objects") };
    described
}
