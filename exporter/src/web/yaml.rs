//! YAML with lines, so that a refusal can say where.

use std::collections::BTreeMap;

use yaml_rust2::{
    Event,
    parser::Parser,
    scanner::{Marker, ScanError, TScalarStyle},
};

/// How deep a file may be nested; what is expected is half of it.
const DEPTH_MAX: usize = 8;

/// What is wrong, and in which line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// From 1 on.
    pub(super) line: usize,
    pub(super) reason: String,
}

impl Fault {
    pub(super) fn new(line: usize, reason: impl Into<String>) -> Self {
        Self { line, reason: reason.into() }
    }
}

/// A value and where it begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) value: Value,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// Nothing at all, as behind a key without a value.
    Null,
    Text(String),
    List(Vec<Node>),
    /// In the order of the file; no key comes twice.
    Section(Vec<(String, Node)>),
}

/// Reads a text of one document. One without any value is nothing.
pub(super) fn parse(text: &str) -> Result<Option<Node>, Fault> {
    let mut reader = Reader { parser: Parser::new_from_str(text) };
    let (mut document, mut count) = (None, 0);
    loop {
        match reader.next()? {
            (Event::StreamStart | Event::DocumentStart | Event::DocumentEnd | Event::Nothing, _) => {}
            (Event::StreamEnd, _) => return Ok(document),
            (event, mark) => {
                count += 1;
                if count > 1 {
                    return Err(Fault::new(mark.line(), "a second document: expected one"));
                }
                document = Some(reader.node(event, mark, 0)?).filter(|node| node.value != Value::Null);
            }
        }
    }
}

struct Reader<'a> {
    parser: Parser<std::str::Chars<'a>>,
}

impl Reader<'_> {
    fn next(&mut self) -> Result<(Event, Marker), Fault> {
        let failed = |error: ScanError| Fault::new(error.marker().line(), format!("no YAML: {}", error.info()));
        self.parser.next_token().map_err(failed)
    }

    fn node(&mut self, event: Event, mark: Marker, depth: usize) -> Result<Node, Fault> {
        let line = mark.line();
        if depth > DEPTH_MAX {
            return Err(Fault::new(line, "sections within sections, deeper than any that there is"));
        }
        let value = match event {
            Event::Scalar(text, TScalarStyle::Plain, ..) if matches!(text.as_str(), "" | "~" | "null") => Value::Null,
            Event::Scalar(text, ..) => Value::Text(text),
            Event::SequenceStart(..) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break,
                        (event, mark) => items.push(self.node(event, mark, depth + 1)?),
                    }
                }
                Value::List(items)
            }
            Event::MappingStart(..) => Value::Section(self.section(depth)?),
            Event::Alias(_) => return Err(Fault::new(line, "an alias: expected the value itself")),
            other => return Err(Fault::new(line, format!("no YAML: {other:?}"))),
        };
        Ok(Node { line, value })
    }

    fn section(&mut self, depth: usize) -> Result<Vec<(String, Node)>, Fault> {
        let mut entries: Vec<(String, Node)> = Vec::new();
        loop {
            let key = match self.next()? {
                (Event::MappingEnd, _) => return Ok(entries),
                (Event::Scalar(text, ..), mark) => (text, mark.line()),
                (_, mark) => return Err(Fault::new(mark.line(), "a key that is no text")),
            };
            let (key, line) = key;
            if entries.iter().any(|(other, _)| *other == key) {
                return Err(Fault::new(line, format!("`{key}` comes twice: expected it once")));
            }
            let (event, mark) = self.next()?;
            let mut value = self.node(event, mark, depth + 1)?;
            // What is wrong with a value is looked for where its key is.
            value.line = line;
            entries.push((key, value));
        }
    }
}

impl Node {
    /// The entries of a section, all of which are among the known ones; those without a value are as if they were not there.
    pub(super) fn section<'a>(&'a self, path: &str, known: &[&str]) -> Result<BTreeMap<&'a str, &'a Self>, Fault> {
        let entries = self.entries(path)?;
        if let Some((key, node)) = entries.iter().find(|(key, _)| !known.contains(&key.as_str())) {
            let expected = known.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
            let reason = format!("unknown key `{}`: expected one of {expected}", join(path, key));
            return Err(Fault::new(node.line, reason));
        }
        let present = entries.iter().filter(|(_, node)| node.value != Value::Null);
        Ok(present.map(|(key, node)| (key.as_str(), node)).collect())
    }

    /// The entries of a section with whatever keys.
    pub(super) fn entries(&self, path: &str) -> Result<&[(String, Self)], Fault> {
        match &self.value {
            Value::Section(entries) => Ok(entries),
            Value::Null => Ok(&[]),
            _ => Err(self.unfit(path, "a section with keys and values")),
        }
    }

    /// A text.
    pub(super) fn text(&self, path: &str) -> Result<&str, Fault> {
        match &self.value {
            Value::Text(text) => Ok(text),
            _ => Err(self.unfit(path, "a text")),
        }
    }

    /// A list of texts, each with its line.
    pub(super) fn texts(&self, path: &str) -> Result<Vec<(&str, usize)>, Fault> {
        match &self.value {
            Value::List(items) => items.iter().map(|item| Ok((item.text(path)?, item.line))).collect(),
            _ => Err(self.unfit(path, "a list of texts")),
        }
    }

    /// The refusal of the value; it is not shown, because it may be a secret.
    pub(super) fn unfit(&self, path: &str, expected: &str) -> Fault {
        Fault::new(self.line, format!("the value of `{path}` does not fit: expected {expected}"))
    }
}

pub(super) fn join(section: &str, key: &str) -> String {
    if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> (usize, String) {
        let Fault { line, reason } = parse(text).expect_err(text);
        (line, reason)
    }

    #[test]
    fn values_with_lines() {
        assert_eq!(parse("# nothing\n---\n"), Ok(None));
        let tree = parse("a: 1\nb:\n  - x\n  - 'null'\nc:\nd: {e: yes}\n").expect("YAML").expect("something");
        let section = tree.section("", &["a", "b", "c", "d"]).expect("known keys");
        assert_eq!(section.keys().copied().collect::<Vec<_>>(), ["a", "b", "d"], "`c` has no value");
        assert_eq!(section["a"].text("a"), Ok("1"));
        assert_eq!(section["b"].texts("b"), Ok(vec![("x", 3), ("null", 4)]));
        assert_eq!(section["d"].section("d", &["e"]).expect("a section")["e"].text("d.e"), Ok("yes"));
        let unknown = tree.section("s", &["a", "b", "c"]).expect_err("`d` is unknown");
        assert_eq!(unknown, Fault::new(6, "unknown key `s.d`: expected one of `a`, `b`, `c`"));
    }

    #[test]
    fn what_is_none() {
        assert_eq!(refusal("a: 1\na: 2\n"), (2, "`a` comes twice: expected it once".to_owned()));
        assert_eq!(refusal("a: &x 1\nb: *x\n"), (2, "an alias: expected the value itself".to_owned()));
        assert_eq!(refusal("a: 1\n---\nb: 1\n"), (3, "a second document: expected one".to_owned()));
        let (line, reason) = refusal("a: 1\nb: [\n");
        assert!(line >= 2 && reason.starts_with("no YAML: "), "{line} {reason}");
        let (_, reason) = refusal(&"[".repeat(100));
        assert!(reason.starts_with("sections within sections"), "{reason}");
    }
}
