//! A kernel that lacks what some kinds of events need still sends the others, and counts without any.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use doubleslit::{
    bpf::{
        events::EventSettings,
        object::{KERNEL_BTF, Object},
        status::{EventStatus, ProbeState},
    },
    filter::kernel::KernelFilter,
    probes::syscall::Calls,
};
use doubleslit_common::{event::Gate, kind::Kind};
use doubleslit_testbed::{
    exporter::{self, Setup},
    scrape::Rows,
};
use tempfile::TempDir;

use super::config;
use crate::harness::{BINARY, assert_conserved, assert_rows, docker, rows};

/// This kernel's description of itself, in which a member has another name of the same length.
fn without(member: &str, directory: &TempDir) -> PathBuf {
    let mut btf = fs::read(KERNEL_BTF).expect("the kernel describes itself");
    let name = format!("\0{member}\0");
    let at = btf.windows(name.len()).position(|bytes| bytes == name.as_bytes()).expect("the kernel has this member");
    btf[at + 1] = b'X';
    let path = directory.path().join("vmlinux");
    fs::write(&path, btf).expect("a file can be written");
    path
}

fn load(kinds: &[Kind], btf: PathBuf) -> Object {
    let gates: BTreeMap<_, _> = kinds.iter().map(|kind| (*kind, Gate::open(1))).collect();
    let events = EventSettings {
        gates,
        filter: KernelFilter::default(),
        ring_bytes: 1 << 16,
        arguments: 0,
        working_directory: false,
        tracepoints: Arc::default(),
        calls: Calls::default(),
    };
    super::load(events, btf).object
}

fn reason(field: &str) -> String {
    format!("this kernel has no field `{field}` of the expected size")
}

#[test]
#[ignore = "needs root and BTF"]
fn one_kind_of_two() {
    let directory = TempDir::new().expect("a directory can be made");
    let btf = without("oom_mm", &directory);
    let reason = reason("signal_struct.oom_mm");
    let exit = EventStatus { kind: Kind::Exit, state: ProbeState::Unsupported, reason: reason.clone() };

    let object = load(&[Kind::Exec, Kind::Exit], btf.clone());
    let exec = EventStatus { kind: Kind::Exec, state: ProbeState::Up, reason: String::new() };
    assert_eq!(object.events, [exec, exit.clone()]);
    let attached: Vec<_> = object.programs.iter().map(|attached| attached.program.name).collect();
    assert_eq!(attached, ["exec_event"]);
    assert_eq!(object.without_events(), None);
    drop(object);

    let object = load(&[Kind::Exit], btf);
    assert_eq!((object.without_events(), &object.events[..]), (Some(reason.as_str()), &[exit][..]));
}

/// The exporter on a machine whose kernel describes itself so.
fn binary_with(btf: &Path, directory: &TempDir) -> PathBuf {
    let path = directory.path().join("doubleslit");
    let script = format!(
        "#!/bin/sh\nexec unshare --mount --propagation=private sh -c \
         'mount --bind {} {KERNEL_BTF} && exec {BINARY} \"$@\"' sh \"$@\"\n",
        btf.display()
    );
    fs::write(&path, script).expect("a file can be written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
    path
}

#[test]
#[ignore = "needs root and BTF"]
fn without_any_the_exporter_counts() {
    let directory = TempDir::new().expect("a directory can be made");
    let binary = binary_with(&without("inum", &directory), &directory);
    let reason = reason("uts_namespace.ns.inum");
    let mut container = docker().load("eventless", &[]);
    let kinds = "exec,fork,exit,signal,socket,tcp_retransmit,tcp_reset_receive,oom_kill";

    let mut exporter = Setup::new(&binary)
        .config("poll: {max_age: 0s}")
        .config(&config())
        .config(&format!("events: {{select: [{{event: [{kinds}]}}]}}"))
        .config("otlp: {endpoint: 'http://127.0.0.1:9'}")
        .start();
    let change = exporter.during(|| {
        container.load.run("exec 500");
        container.load.run("exit 3 70");
    });
    let expected = Rows::of([
        ("process_execs", 500),
        ("process_forks", 570),
        ("process_exits outcome=success", 500),
        ("process_exits outcome=failure", 70),
    ]);
    let names: Vec<_> = expected.0.keys().map(String::as_str).collect();
    assert_rows(&change, &rows(&change, &container).only(&names), &expected, "counts without single events");
    let scrape = exporter.scrape();
    assert_conserved(&scrape);
    for (probe, _) in scrape.matching("doubleslit_probe_info", &[]) {
        let expected = if probe.labels["probe"] == "syscall" { "off" } else { "up" };
        assert_eq!(probe.labels["state"], expected, "{probe:?}");
    }
    let infos: Vec<_> = scrape.matching("doubleslit_event_info", &[]).map(|(row, _)| &row.labels).collect();
    assert_eq!(infos.len(), 9, "{infos:?}");
    for labels in infos {
        let known = ["attach", "state", "reason"].map(|label| labels[label].as_str());
        let is_of_socket = labels["event"].starts_with("tcp") || labels["event"] == "socket_state";
        let lacking = if is_of_socket { self::reason("net.ns.inum") } else { reason.clone() };
        assert_eq!(known, ["", "unsupported", &lacking], "{labels:?}");
    }
    assert_eq!(scrape.sum("doubleslit_events_generated_total", &[]), 0.0);
    assert_eq!(scrape.sum("doubleslit_otlp_log_records_accepted_total", &[]), 0.0);
    let log = exporter.log();
    assert!(log.contains("no single event can be had here") && log.contains("otlp.logs.enabled: false"), "{log}");

    let (status, _, errors) = exporter::run(&binary, &["watch", "--event", kinds]);
    assert_eq!(status.code(), Some(1), "{errors}");
    assert!(
        errors.contains(&reason) && errors.lines().last().is_some_and(|line| line.contains("`doubleslit run`")),
        "{errors}"
    );
}
