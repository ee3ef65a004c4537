//! Reading the configuration again while everything goes on.

mod counts;
mod events;
mod outcome;

use std::sync::atomic::{AtomicBool, Ordering};

use doubleslit_testbed::{
    api,
    docker::LoadContainer,
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

/// Tells loads when it is enough.
#[derive(Debug, Default)]
struct Enough(AtomicBool);

/// Says so when it is dropped.
struct Until<'a>(&'a Enough);

impl Drop for Until<'_> {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

impl Enough {
    /// Has a container do something a hundred times, again and again until it is enough. Returns how often.
    fn repeat(&self, container: &mut LoadContainer<'_>, what: &str) -> usize {
        let mut count = 0;
        while !self.0.load(Ordering::Relaxed) {
            container.load.run(&format!("{what} 100"));
            count += 100;
        }
        count
    }
}
