//! What the tests share: the exporter's binary, this repository, commands that must succeed, and YAML.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use config::{File, FileFormat, Source as _, Value as Written};
use doubleslit_testbed::shell;
use serde::Deserialize as _;
use serde_json::Value;

/// The exporter's binary.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_doubleslit");

/// The form of the metrics that is asked for.
pub(crate) const ACCEPT: (&str, &str) = ("Accept", "text/plain;version=0.0.4");

/// The repository.
pub(crate) fn repository() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    root.canonicalize().expect("the repository is there")
}

/// A document in YAML.
pub(crate) fn yaml(text: &str) -> Value {
    let read = File::from_str(text, FileFormat::Yaml).collect().unwrap_or_else(|error| panic!("{error}: {text}"));
    Value::deserialize(Written::from(read)).expect("YAML can be JSON")
}

/// Runs a command that must succeed, and returns everything that it prints: its standard error first.
pub(crate) fn everything(command: &mut Command) -> String {
    let output = shell::output(command);
    let text = [output.stderr, output.stdout].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{command:?} failed: {text}");
    text
}
