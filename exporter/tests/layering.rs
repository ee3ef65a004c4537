//! Modules depend downwards only: this table against the `use` lines.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{collections::BTreeSet, fs, path::Path};

/// A module and what it may use.
const LAYERS: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("closest", &[]),
    ("error", &[]),
    ("media", &[]),
    ("probes", &[]),
    ("readiness", &[]),
    ("harmless", &[]),
    ("in_root", &[]),
    ("namespaces", &[]),
    ("others", &["in_root", "namespaces"]),
    ("identity", &["in_root", "others"]),
    ("privileges", &["config", "error", "identity", "others"]),
    ("prerequisites", &["identity"]),
    ("tracepoints", &["closest", "error", "identity"]),
    ("filter", &["closest", "events", "identity", "lives", "probes", "tracepoints"]),
    ("traces", &["events", "filter", "identity", "probes", "tracepoints"]),
    ("config", &["closest", "events", "filter", "identity", "probes", "tracepoints", "traces"]),
    ("lives", &["identity", "namespaces", "others"]),
    ("counts", &["clock", "error", "filter", "identity", "lives", "others", "probes"]),
    ("events", &["clock", "identity", "lives", "namespaces", "probes", "readiness", "tracepoints"]),
    ("bpf", &["counts", "error", "events", "filter", "identity", "probes", "tracepoints", "traces"]),
    (
        "export",
        &[
            "bpf",
            "config",
            "counts",
            "error",
            "events",
            "identity",
            "media",
            "privileges",
            "probes",
            "tracepoints",
            "web",
        ],
    ),
    ("reference", &["config", "events", "export", "probes"]),
    ("web", &["config", "error", "readiness"]),
    ("http", &["config", "counts", "export", "web"]),
    ("page", &["api", "bpf", "counts", "export", "filter", "http", "identity", "probes", "top", "traces", "web"]),
    ("api", &["error", "events", "filter", "http", "identity", "media", "traces", "web"]),
    ("machine", &["config", "identity"]),
    ("top", &["counts", "harmless", "identity", "probes"]),
    (
        "app",
        &[
            "api",
            "bpf",
            "config",
            "counts",
            "error",
            "events",
            "export",
            "filter",
            "http",
            "identity",
            "lives",
            "machine",
            "others",
            "page",
            "prerequisites",
            "privileges",
            "probes",
            "top",
            "tracepoints",
            "traces",
            "web",
        ],
    ),
    (
        "cli",
        &[
            "api",
            "app",
            "config",
            "error",
            "events",
            "filter",
            "harmless",
            "http",
            "identity",
            "machine",
            "namespaces",
            "prerequisites",
            "probes",
            "top",
            "tracepoints",
            "traces",
            "web",
        ],
    ),
];

/// The modules that a source text names behind `crate::`, at whatever depth of a `use` tree it stands.
fn used(text: &str) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        let Some(tree) = rest.strip_prefix('{') else {
            found.insert(identifier(rest));
            continue;
        };
        let mut depth = 0;
        let mut begins = true;
        for (at, character) in tree.char_indices() {
            match character {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => begins = true,
                _ if begins && !character.is_whitespace() => {
                    found.insert(identifier(&tree[at..]));
                    begins = false;
                }
                _ => {}
            }
        }
    }
    found
}

fn identifier(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

fn sources(path: &Path) -> Vec<String> {
    if path.is_file() {
        return vec![fs::read_to_string(path).unwrap()];
    }
    let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    let code = entries.filter(|path| path.is_dir() || path.extension().is_some_and(|extension| extension == "rs"));
    code.flat_map(|path| sources(&path)).collect()
}

#[test]
fn dependencies_point_down() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in fs::read_dir(&root).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if ["lib", "main"].contains(&name.as_str()) {
            continue;
        }
        let (_, allowed) = *LAYERS.iter().find(|(module, _)| *module == name).unwrap_or_else(|| {
            panic!("`{name}` has no place in `LAYERS` of this test");
        });
        for text in sources(&path) {
            for module in used(&text) {
                assert!(module == name || allowed.contains(&module), "`{name}` uses `{module}`, which lies above it");
            }
        }
    }
}

#[test]
fn use_trees_are_understood() {
    let text = "use crate::{\n    a::{b, c},\n    d,\n};\nlet x = crate::e::f(); use crate::g;";
    assert_eq!(used(text), BTreeSet::from(["a", "d", "e", "g"]));
}
