//! Counts that outlive the exporter.

mod killed;
mod meanwhile;
mod restart;
mod sets;

use doubleslit_testbed::{bpffs::BpfFs, exporter::Setup, scrape::Scrape, shell};

use crate::harness::{BINARY, setup};

/// An exporter whose counts stay there.
fn pinned(there: &BpfFs) -> Setup {
    setup().mounts_of(there.pid()).arguments(&["--pin"])
}

/// The names of the sets that are pinned.
fn sets(there: &BpfFs) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(there.path("doubleslit")) else { return Vec::new() };
    entries.map(|entry| entry.expect("it can be listed").file_name().to_string_lossy().into_owned()).collect()
}

/// Runs `doubleslit unpin` there: whether it succeeds, and what it prints.
fn unpin(there: &BpfFs) -> (bool, String) {
    let output = shell::output(there.command(BINARY).arg("unpin"));
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

/// Whether the counts of an exporter are those of one before.
fn state(scrape: &Scrape) -> &str {
    let (series, _) = scrape.matching("doubleslit_pin_info", &[]).next().expect("it always tells");
    &series.labels["state"]
}
