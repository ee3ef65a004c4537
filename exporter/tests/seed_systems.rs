//! The tests that docs/seed-systems.md names are there.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{collections::BTreeSet, fs, path::Path};

/// Where tests are, below the repository, and what their paths begin with.
const PLACES: [(&str, &str); 4] =
    [("common/src", "common"), ("exporter/src", ""), ("exporter/tests", ""), ("testbed/src", "testbed")];

/// The paths of all tests below a directory, with `::` between their parts.
fn tests(directory: &Path, prefix: &str, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let below = match name {
            "mod" | "main" | "lib" => prefix.to_owned(),
            name if prefix.is_empty() => name.to_owned(),
            name => format!("{prefix}::{name}"),
        };
        if path.is_dir() {
            tests(&path, &below, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.extend(functions(&text).map(|function| format!("{below}::{function}")));
        }
    }
}

/// The names of the test functions of a file.
fn functions(text: &str) -> impl Iterator<Item = &str> {
    let behind = text.split("test]\n").chain(text.split("test(flavor = \"multi_thread\")]\n")).skip(1);
    behind.filter_map(|rest| {
        // Further attributes may stand between.
        let line = rest.lines().map(str::trim).find(|line| !line.starts_with("#["))?;
        let name = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ")?;
        name.split_once('(').map(|(name, _)| name)
    })
}

#[test]
fn every_test_that_is_named_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut found = BTreeSet::new();
    for (place, prefix) in PLACES {
        tests(&root.join(place), prefix, &mut found);
    }
    let document = fs::read_to_string(root.join("docs/seed-systems.md")).unwrap();
    let named: BTreeSet<_> = document.split('`').skip(1).step_by(2).filter(|code| code.contains("::")).collect();
    assert!(named.len() > 100, "only {} tests are named", named.len());
    let missing: Vec<_> = named.into_iter().filter(|name| !found.contains(*name)).collect();
    assert!(missing.is_empty(), "no such tests: {missing:#?}");
}
