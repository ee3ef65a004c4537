#![no_main]

#[path = "../../exporter/tests/parsers/containerd_status.rs"]
mod parser;
#[path = "../../exporter/tests/parsers/state.rs"]
mod state;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| parser::check(bytes));
