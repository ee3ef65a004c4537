//! Starts that fail say why, and what is switched off is not there.

use std::{
    collections::BTreeSet, fs, net::TcpListener, os::unix::fs::PermissionsExt as _, path::Path, process::Command,
};

use doubleslit_testbed::{
    exporter::{self, Setup},
    scrape::Scrape,
    shell,
};

use crate::harness::{BINARY, setup};

/// Runs the exporter to its end, which must come with an exit code, and returns the last line that it printed.
fn refusal(setup: &Setup, code: i32) -> String {
    let mut exporter = setup.launch(exporter::free_address());
    let status = exporter.await_end();
    let log = exporter.log();
    assert_eq!(status.code(), Some(code), "{log}");
    assert!(!log.contains("panicked"), "{log}");
    log.lines().last().unwrap_or_default().to_owned()
}

#[test]
#[ignore = "needs root and BTF"]
fn without_capabilities() {
    // Where everybody may execute it.
    let directory = tempfile::tempdir().expect("a directory can be made");
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).expect("it is ours");
    let copy = directory.path().join("doubleslit");
    fs::copy(BINARY, &copy).expect("a file can be copied");
    for command in ["run", "watch"] {
        let mut setpriv = Command::new("setpriv");
        setpriv.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]).arg(&copy).arg(command);
        let output = shell::output(&mut setpriv);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{command}: {text}");
        assert_eq!(text.lines().count(), 1, "{command}: {text}");
        for capability in ["CAP_BPF", "CAP_PERFMON"] {
            assert!(text.contains(capability), "{command}: {text}");
        }
    }
}

#[test]
#[ignore = "needs root and BTF"]
fn a_port_in_use() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    let mut exporter = setup().launch(address);
    let status = exporter.await_end();
    assert_eq!(status.code(), Some(1), "{}", exporter.log());
    let log = exporter.log();
    let line = log.lines().last().unwrap_or_default();
    assert!(line.contains(&address.to_string()) && line.contains("in use"), "{log}");
}

#[test]
#[ignore = "needs root and BTF"]
fn wrong_configurations() {
    let unknown = refusal(&Setup::new(Path::new(BINARY)).config("probes: {exce: true}"), 2);
    assert!(unknown.contains("probes.exce") && unknown.contains("`exec`"), "{unknown}");
    let value = refusal(&Setup::new(Path::new(BINARY)).config("poll: {interval: soon}"), 2);
    assert!(value.contains("poll.interval") && value.contains("soon"), "{value}");
    let missing = refusal(&Setup::new(Path::new(BINARY)).arguments(&["--config.file=/there/is/no/file"]), 2);
    assert!(missing.contains("/there/is/no/file"), "{missing}");
}

/// The programs and probes that are up.
fn programs(scrape: &Scrape) -> BTreeSet<&str> {
    scrape.matching("doubleslit_bpf_program_info", &[]).map(|(series, _)| series.labels["program"].as_str()).collect()
}

#[test]
#[ignore = "needs root and BTF"]
fn probes_that_are_switched_off_are_not_loaded() {
    let mut all = setup().config("probes: {syscall: true}").config("syscalls: {time: true}").start();
    let scrape = all.scrape();
    let every: BTreeSet<_> =
        doubleslit::probes::PROBES.iter().flat_map(|probe| probe.programs).map(|program| program.name).collect();
    assert_eq!(programs(&scrape), every, "{}", all.log());
    for probe in doubleslit::probes::PROBES {
        let up = scrape.value("doubleslit_probe_up", &[("probe", probe.name)]);
        assert_eq!(up, Some(1.0), "{}", probe.name);
    }

    let mut exporter = setup().config("probes: {signal: false, socket_state: false, tcp: false, oom: false}").start();
    let scrape = exporter.scrape();
    let few = ["exec", "fork", "exit", "cgroup_mkdir", "cgroup_rmdir", "cgroup_release"];
    assert_eq!(programs(&scrape), BTreeSet::from(few));
    // The kernel agrees.
    for (series, _) in scrape.matching("doubleslit_bpf_program_info", &[]) {
        let shown = shell::run("bpftool", ["prog", "show", "id", series.labels["id"].as_str()]);
        assert!(shown.contains("tracing"), "{shown}");
    }
    assert_eq!(scrape.value("doubleslit_probe_up", &[("probe", "signal")]), Some(0.0));
    let off = [("probe", "signal"), ("state", "off")];
    assert_eq!(scrape.value("doubleslit_probe_info", &off), Some(1.0));
    assert_eq!(scrape.matching("doubleslit_signals_generated_total", &[]).count(), 0);
}

#[test]
#[ignore = "needs root and BTF"]
fn check_passes() {
    let (status, report, errors) = exporter::run(Path::new(BINARY), &["check"]);
    assert!(status.success(), "{report}{errors}");
}
