//! What the tests share: one Docker engine, exporters that read the maps for every scrape, and whole comparisons.

use std::{path::Path, sync::OnceLock};

use doubleslit::probes;
use doubleslit_testbed::{
    docker::{Docker, Hierarchy, LoadContainer},
    exporter::{Exporter, Setup},
    host_root::HostRoot,
    scrape::{Labels, Rows, Scrape},
    wait,
};

pub(crate) const INFO: &str = "doubleslit_container_info";
pub(crate) const STARTS: &str = "doubleslit_container_starts_total";
pub(crate) const STOPS: &str = "doubleslit_container_stops_total";

/// The exporter's binary.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_doubleslit");

/// The Docker engine of all tests. It ends with this process.
pub(crate) fn docker() -> &'static Docker {
    static DOCKER: OnceLock<Docker> = OnceLock::new();
    DOCKER.get_or_init(|| Docker::start(Hierarchy::Host))
}

/// An exporter that knows that engine and reads the maps anew for every scrape.
pub(crate) fn setup() -> Setup {
    setup_for(docker())
}

/// The same with further settings of the section `identity`.
pub(crate) fn setup_with(identity: &str) -> Setup {
    let root = docker().data_root();
    Setup::new(Path::new(BINARY))
        .config("poll: {max_age: 0s}")
        .config(&format!("identity: {{docker_root: \"{}\", {identity}}}", root.display()))
}

/// The same for another engine.
pub(crate) fn setup_for(docker: &Docker) -> Setup {
    let root = docker.data_root();
    Setup::new(Path::new(BINARY))
        .config("poll: {max_age: 0s}")
        .config(&format!("identity: {{docker_root: \"{}\"}}", root.display()))
}

/// Two containers that serve loads, called `alpha` and `beta`, and an exporter that has seen both.
pub(crate) fn two_containers() -> (Exporter, LoadContainer<'static>, LoadContainer<'static>) {
    let (a, b) = (docker().load("alpha", &[]), docker().load("beta", &[]));
    (setup().start(), a, b)
}

/// What changed of a container's own rows.
pub(crate) fn rows(change: &Scrape, container: &LoadContainer<'_>) -> Rows {
    change.rows(&[("container_id", &container.id)])
}

/// What changed of the host's rows.
pub(crate) fn host_rows(change: &Scrape) -> Rows {
    let is_host = |labels: &Labels| {
        labels.contains_key("container_id")
            && ["container_id", "container", "pod"].iter().all(|label| labels[*label].is_empty())
    };
    let host = change.0.iter().filter(|(series, _)| is_host(&series.labels));
    Scrape(host.map(|(series, value)| (series.clone(), *value)).collect()).rows(&[])
}

/// Checks rows against what must be there.
///
/// An event is not counted where it interrupts, on the same CPU, the counting of another one by the same program: the kernel
/// then skips the program and says so. This happens about once in a million changes of a socket's state. As many as were
/// skipped may be missing, and no more.
pub(crate) fn assert_rows(change: &Scrape, rows: &Rows, expected: &Rows, what: &str) {
    let skipped = change.sum("doubleslit_bpf_program_misses_total", &[]);
    if rows == expected {
        return;
    }
    let exceeds = rows.0.iter().any(|(row, value)| *value > expected.0.get(row).copied().unwrap_or_default());
    // An event can be in two families.
    let missing = |(row, value): (&String, &f64)| value - rows.0.get(row).copied().unwrap_or_default();
    let missing: f64 = expected.0.iter().map(missing).sum();
    assert!(
        !exceeds && missing <= 2.0 * skipped,
        "{what}: {rows:?} instead of {expected:?}; {skipped} runs were skipped"
    );
    println!("{what}: the kernel skipped {skipped} runs of programs");
}

/// What N executions by children are, beside the signals that their ends send.
pub(crate) fn executions(count: u64) -> Rows {
    Rows::of([("process_execs", count), ("process_forks", count), ("process_exits outcome=success", count)])
}

/// N children that fail: something that a runtime does not do on its way.
pub(crate) fn failures(count: u64) -> Rows {
    Rows::of([("process_exits outcome=failure", count)])
}

/// What failed of the rows with a container's id.
pub(crate) fn failed(change: &Scrape, id: &str) -> Rows {
    change.rows(&[("container_id", id)]).only(&["process_exits outcome=failure"])
}

/// Starts and stops of docker's containers with a name.
pub(crate) fn lifecycle(scrape: &Scrape, name: &str) -> (f64, f64) {
    lifecycle_of(scrape, name, "docker")
}

/// Starts and stops of a runtime's containers with a name.
pub(crate) fn lifecycle_of(scrape: &Scrape, name: &str, runtime: &str) -> (f64, f64) {
    let labels = [("container", name), ("runtime", runtime), ("namespace", ""), ("pod", "")];
    (scrape.sum(STARTS, &labels), scrape.sum(STOPS, &labels))
}

/// What is known of the container with these labels, as soon as there is one.
pub(crate) fn info(exporter: &mut Exporter, labels: &[(&str, &str)]) -> Labels {
    wait::until("the container has its name", || {
        let scrape = exporter.scrape();
        let (series, value) = scrape.matching(INFO, labels).next()?;
        assert_eq!(value, 1.0);
        Some(series.labels.clone())
    })
}

/// Checks some of the labels.
pub(crate) fn assert_labels(labels: &Labels, expected: &[(&str, &str)]) {
    for (label, value) in expected {
        assert_eq!(labels.get(*label).map(String::as_str), Some(*value), "{label} of {labels:?}");
    }
}

/// An exporter of the machine with this root.
pub(crate) fn below(root: &HostRoot) -> Exporter {
    Setup::new(Path::new(BINARY))
        .config("poll: {max_age: 0s}")
        .config(&format!("identity: {{host_root: \"{}\"}}", root.path().display()))
        .mounts_of(root.pid())
        .start()
}

/// No row at all.
pub(crate) fn nothing() -> Rows {
    Rows::of([])
}

/// Checks that everything that was counted is in a row, or was in one: for each kind.
pub(crate) fn assert_balanced(scrape: &Scrape) {
    for family in probes::families().filter(|family| family.whole) {
        let event = family.kind.name();
        let suffix = if family.kind.is_histogram() { "count" } else { "total" };
        let rows = scrape.sum(&format!("{}_{suffix}", family.name), &[]);
        let counted = scrape.sum("doubleslit_events_counted_total", &[("event", event)]);
        let retired = scrape.sum("doubleslit_events_retired_total", &[("event", event)]);
        // Seconds are added up here, nanoseconds in the exporter.
        let scale = if family.kind.is_time() { 1e9 } else { 1.0 };
        let [counted, rows, retired] = [counted, rows, retired].map(|number| number * scale);
        assert_eq!(counted.round(), (rows + retired).round(), "{event}: counted = rows ({rows}) + retired ({retired})");
    }
}

/// The same, and that nothing was lost or had to go into another row than its own.
pub(crate) fn assert_conserved(scrape: &Scrape) {
    assert_balanced(scrape);
    assert_eq!(scrape.sum("doubleslit_bpf_map_update_errors_total", &[]), 0.0, "errors of updates");
    let folded = |labels| scrape.sum("doubleslit_counts_folded_total", labels);
    assert_eq!(folded(&[]), folded(&[("reason", "skipped")]), "folded for another reason than a skipped program");
}

/// Has a container do the same small thing again and again until nothing else happens on the host meanwhile, and checks
/// that the host's rows then stay as they are. Other processes of the machine are part of the host, and do what they like.
pub(crate) fn assert_not_the_hosts(
    exporter: &mut Exporter,
    container: &mut LoadContainer<'_>,
    command: &str,
    rows: &[&str],
) {
    let mut last = nothing();
    for _ in 0..200 {
        last = host_rows(&exporter.during(|| drop(container.load.run(command)))).only(rows);
        if last == nothing() {
            return;
        }
    }
    panic!("whenever the container does `{command}`, the host's rows change: {last:?}");
}
