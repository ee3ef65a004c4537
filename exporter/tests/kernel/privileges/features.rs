//! Everything at once in an exporter that has taken from itself whatever it can.

use std::{collections::BTreeMap, fs, os::unix::fs::MetadataExt as _, path::Path};

use doubleslit_testbed::{
    api::{Stream, ask, trace},
    collector::{Collector, LogRecord},
    docker::LoadContainer,
    exporter::Exporter,
    inject, sys, wait,
};
use serde_json::{Value, json};

use super::{helper, layers};
use crate::{
    harness::{docker, executions, rows, setup_with},
    otlp::exporting_with,
};

fn inode(path: &str) -> u64 {
    fs::metadata(path).expect("it is there").ino()
}

/// The start of a container, as the collector has it.
fn start_of<'a>(collector: &'a mut Collector, id: &str) -> &'a LogRecord {
    let is_it = |record: &LogRecord| {
        record.event_name == "doubleslit.container.start" && record.attributes.get("container.id") == Some(&json!(id))
    };
    let received = collector.await_received("the start", |received| received.logs.iter().any(is_it));
    received.logs.iter().find(|record| is_it(record)).expect("it was received")
}

/// An exporter with everything on, that asks docker by its socket as well.
fn with_everything(collector: &Collector, queue: &Path) -> Exporter {
    let socket = docker().socket();
    let identity = format!("sockets: {{docker: [\"{}\"]}}", socket.display());
    exporting_with(
        setup_with(&identity),
        collector,
        &format!("logs: {{linger: 10ms, directory: '{}'}}", queue.display()),
    )
    .config("probes: {syscall: true}")
    .config("syscalls: {calls: [getppid], time: true, histograms: [getppid]}")
    .config("tracepoints: [{name: sched:sched_process_exit, events: true}]")
    .config("bpf: {stats: true}")
    .start()
}

#[test]
#[ignore = "needs root and BTF"]
fn all_at_once() {
    let mut collector = Collector::start();
    let directory = tempfile::tempdir().expect("a directory can be made");
    let passwd = directory.path().join("passwd");
    fs::write(&passwd, "root:x:0:0::/:\nann:x:1234:0::/:\n").expect("a file can be written");
    let volume = format!("--volume={}:/etc/passwd:ro", passwd.display());
    let mut exporter = with_everything(&collector, &directory.path().join("queue"));
    let mut container: LoadContainer<'_> = docker().load("restricted", &[&volume, "--label=team=shop"]);

    // Namespaces, and the name of a user that only the container has.
    let pid = container.pid();
    let namespaces: BTreeMap<_, _> = ["net", "ipc", "uts", "mnt", "pid", "user", "cgroup"]
        .map(|kind| (kind, inode(&format!("/proc/{pid}/ns/{kind}"))))
        .into();
    let attributes = start_of(&mut collector, &container.id).attributes.clone();
    assert_eq!(attributes["process.pid"], json!(pid));
    for (kind, inode) in namespaces {
        assert_eq!(attributes[&format!("doubleslit.namespace.{kind}")], json!(inode), "{kind}: {attributes:?}");
    }
    docker().cli(["exec", "--user=1234", &container.id, "/bin/true"]);
    let has_user = |record: &LogRecord| {
        record.attributes.get("process.executable.path") == Some(&json!("/bin/true"))
            && record.attributes.get("process.user.name") == Some(&json!("ann"))
    };
    collector.await_received("the execution", |received| received.logs.iter().any(has_user));

    // Counts, and what sockets and files say of the container.
    let change = exporter.during(|| drop(container.load.run("exec 20")));
    let counted = ["process_execs", "process_forks", "process_exits outcome=success"];
    assert_eq!(rows(&change, &container).only(&counted), executions(20));
    let info = [("container_id", container.id.as_str()), ("container", "restricted")];
    let up = wait::until("docker answers", || {
        let scrape = exporter.scrape();
        (scrape.value("doubleslit_source_up", &[("source", "docker_api")]) == Some(1.0)).then_some(scrape)
    });
    assert_eq!(up.matching("doubleslit_container_info", &info).count(), 1);
    assert_eq!(layers(&up), ["capabilities", "helper", "landlock", "no_new_privs", "seccomp"]);

    // A trace of system calls, for which programs are loaded and attached now. The kernel's names of arguments are read in tracefs.
    let spec = json!({ "containers": ["restricted"], "syscalls": ["open", "openat"], "events": ["exec"] });
    trace(&exporter.socket, "late", &spec);
    let mut stream = Stream::open(&exporter.socket, "/api/v1/traces/late/events", "application/x-ndjson");
    docker().cli(["exec", &container.id, "/bin/sh", "-c", "read line < /etc/passwd"]);
    // C libraries open a file by one or the other.
    let is_open = |event: &Value| event["event"] == "syscall" && event.to_string().contains("/etc/passwd");
    let opened = std::iter::from_fn(|| stream.json()).find(is_open);
    assert!(opened.expect("the call").to_string().contains("filename"), "the kernel's names of arguments");
    drop(stream);
    let (status, _) = ask(&exporter.socket, "DELETE", "/api/v1/traces/late", "");
    assert_eq!(status, 204);

    // Nothing was refused that it asked for, and nothing stays behind.
    let socket = exporter.socket.clone();
    let (status, _, log) = exporter.stop();
    assert!(status.success(), "{log}");
    assert!(!log.contains("ot permitted") && !log.contains("denied"), "{log}");
    assert!(!socket.exists(), "the socket of the API is removed");
}

/// The machine's list is replaced, as useradd(8) does it, and its helper ends.
#[test]
#[ignore = "needs root and BTF"]
fn a_helper_that_ends_is_told() {
    let collector = Collector::start();
    let directory = tempfile::tempdir().expect("a directory can be made");
    let mut exporter = with_everything(&collector, &directory.path().join("queue"));
    let helper = helper(&exporter).expect("it has one");
    assert!(inject::threads(helper).len() > 1);
    sys::send(helper, libc::SIGTERM).expect("it runs");
    sys::send(helper, libc::SIGINT).expect("it runs");
    assert!(layers(&exporter.scrape()).contains(&"helper"), "it ends with the exporter, not before it");
    sys::send(helper, libc::SIGKILL).expect("it runs");
    let _container = docker().load("after-the-helper", &[]);
    wait::until("the exporter notices", || {
        let scrape = exporter.scrape();
        let labels = [("layer", "helper"), ("state", "unavailable"), ("detail", "it has ended")];
        (scrape.value("doubleslit_sandbox_info", &labels) == Some(1.0)).then_some(())
    });
    assert!(!layers(&exporter.scrape()).contains(&"helper"));
    assert!(exporter.log().contains("the helper that looks at other processes is gone"), "{}", exporter.log());
    assert!(exporter.stop().0.success());
}

/// The helper ends with the exporter, however that ends.
#[test]
#[ignore = "needs root and BTF"]
fn a_helper_does_not_outlive_its_exporter() {
    let collector = Collector::start();
    let directory = tempfile::tempdir().expect("a directory can be made");
    let exporter = with_everything(&collector, &directory.path().join("queue"));
    let helper = helper(&exporter).expect("it has one");
    exporter.kill();
    wait::until("the helper ends", || {
        let stat = fs::read_to_string(format!("/proc/{helper}/stat")).unwrap_or_default();
        // Whoever inherits it may be slow to collect it.
        (stat.is_empty() || stat.contains(") Z ")).then_some(())
    });
}
