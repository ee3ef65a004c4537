#![no_main]

#[path = "../../exporter/tests/parsers/tracepoint_format.rs"]
mod parser;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| parser::check(bytes));
