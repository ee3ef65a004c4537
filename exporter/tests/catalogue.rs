//! A probe has its four files: what crosses, what runs in the kernel, what userspace makes of it, and its test.

use std::path::Path;

use doubleslit::probes::PROBES;

#[test]
fn every_probe_has_its_files() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for probe in PROBES {
        let name = probe.name;
        for file in [
            format!("exporter-ebpf/src/probes/{name}.rs"),
            format!("exporter/src/probes/{name}.rs"),
            format!("exporter/tests/kernel/{name}.rs"),
        ] {
            assert!(root.join(&file).is_file(), "the probe `{name}` needs `{file}`");
        }
    }
}
