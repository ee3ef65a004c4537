//! Reading the configuration again while everything goes on.

mod counts;
mod events;
mod outcome;

use doubleslit_testbed::{
    api,
    exporter::{Exporter, Setup},
};
use serde_json::{Value, json};

use crate::harness::setup;

/// Writes another configuration and asks for it by the API: the status and the answer.
fn reload(exporter: &Exporter, setup: &Setup) -> (u16, Value) {
    exporter.rewrite(setup);
    api::ask(&exporter.socket, "POST", "/-/reload", "")
}

/// The same, which must succeed.
fn take_over(exporter: &Exporter, setup: &Setup) -> Value {
    let (status, answer) = reload(exporter, setup);
    assert_eq!(status, 200, "{answer}\n{}", exporter.log());
    answer
}

/// The usual configuration with further lines.
fn with(lines: &str) -> Setup {
    setup().config(lines)
}

/// The answer to changes.
fn changed(changes: &[&str]) -> Value {
    json!({ "changed": changes })
}
