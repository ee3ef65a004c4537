//! The table of docs/security.md: each feature with exactly the capabilities that it says, and with one less.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{Ipv4Addr, TcpStream},
    path::Path,
};

use doubleslit_testbed::{
    collector::Collector,
    exporter::{self, Exporter, Setup},
    password::{HASH, RIGHT},
    wait,
};
use serde_json::json;

use super::{helper, set};
use crate::{
    harness::{docker, executions, rows, setup},
    otlp::exporting_with,
};

const BPF: &str = "bpf";
const PERFMON: &str = "perfmon";
const SYS_ADMIN: &str = "sys_admin";
const SYS_PTRACE: &str = "sys_ptrace";

/// Without anything that loads programs later.
const QUIET: &str = "api: {enabled: false}\nweb: {live_events: never}";

/// Has the exporter executed by root with these capabilities and no other.
fn with(setup: Setup, capabilities: &[&str]) -> Setup {
    let bounding: Vec<_> = capabilities.iter().map(|name| format!(",+{name}")).collect();
    let bounding = format!("--bounding-set=-all{}", bounding.concat());
    setup.by(&["setpriv", &bounding, "--inh-caps=-all", "--ambient-caps=-all", "--"])
}

/// The bit of each capability (include/uapi/linux/capability.h).
fn bits(capabilities: &[&str]) -> u64 {
    let bit = |name: &&str| match *name {
        "dac_override" => 1,
        "dac_read_search" => 2,
        "sys_ptrace" => 19,
        "sys_admin" => 21,
        "perfmon" => 38,
        "bpf" => 39,
        other => panic!("{other} is in no row"),
    };
    capabilities.iter().map(|name| 1 << bit(name)).sum()
}

/// Checks that it has these left, and that executions of a container are counted exactly.
fn assert_counts(exporter: &mut Exporter, left: &[&str]) {
    for line in ["CapPrm", "CapEff"] {
        assert_eq!(set(exporter.pid(), line), bits(left), "{line}");
    }
    for line in ["CapInh", "CapAmb"] {
        assert_eq!(set(exporter.pid(), line), 0, "{line}");
    }
    let mut container = docker().load("counted", &[]);
    let change = exporter.during(|| drop(container.load.run("exec 20")));
    let counted = ["process_execs", "process_forks", "process_exits outcome=success"];
    assert_eq!(rows(&change, &container).only(&counted), executions(20));
}

/// What an exporter says that ends at once.
fn refusal(setup: &Setup) -> String {
    let mut exporter = setup.launch(exporter::free_address());
    let status = exporter.await_end();
    assert_eq!(status.code(), Some(1), "{}", exporter.log());
    exporter.log()
}

#[test]
#[ignore = "needs root and BTF"]
fn counting() {
    for start in [&[BPF, PERFMON][..], &[SYS_ADMIN]] {
        assert_counts(&mut with(setup().config(QUIET), start).start(), &[]);
        for lacking in start {
            let less: Vec<_> = start.iter().copied().filter(|name| name != lacking).collect();
            let log = refusal(&with(setup().config(QUIET), &less));
            let named = if *lacking == SYS_ADMIN { "CAP_BPF" } else { &format!("CAP_{}", lacking.to_uppercase()) };
            assert!(log.contains(named), "without {lacking}: {log}");
        }
    }
}

#[test]
#[ignore = "needs root and BTF"]
fn traces() {
    for start in [&[BPF, PERFMON][..], &[SYS_ADMIN]] {
        let mut exporter = with(setup(), start).start();
        assert_counts(&mut exporter, start);
        let _container = docker().load("traced", &[]);
        let spec = json!({ "containers": ["traced"], "events": ["exec"] });
        doubleslit_testbed::api::trace(&exporter.socket, "one", &spec);
    }
}

/// A page that others reach shows single events to those who have a password, and to nobody where there is none.
#[test]
#[ignore = "needs root and BTF"]
fn live_events_for_those_who_are_known() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let web = directory.path().join("web.yml");
    let launch = |users: &str| {
        fs::write(&web, users).expect("a file can be written");
        let setup =
            setup().config("api: {enabled: false}").arguments(&["--web.config.file", web.to_str().expect("text")]);
        let mut address = exporter::free_address();
        address.set_ip(Ipv4Addr::UNSPECIFIED.into());
        let exporter = with(setup, &[BPF, PERFMON]).launch(address);
        wait::until("it serves", || exporter.log().contains(" serving ").then_some(()));
        exporter
    };
    assert_eq!(set(launch("").pid(), "CapEff"), 0);

    let exporter = launch(&format!("basic_auth_users: {{prometheus: {HASH}}}"));
    assert_eq!(set(exporter.pid(), "CapEff"), bits(&[BPF, PERFMON]));
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, exporter.address.port())).expect("it listens");
    stream.set_read_timeout(Some(wait::PATIENCE)).expect("it can be set");
    let (name, value) = RIGHT;
    let request =
        format!("GET /-/page/events?event=exec&select=container%3Dlive HTTP/1.1\r\nHost: x\r\n{name}: {value}\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it listens");
    let mut lines = BufReader::new(stream).lines().map(|line| line.expect("the answer goes on"));
    assert_eq!(lines.next().expect("an answer"), "HTTP/1.1 200 OK");
    docker().load("live", &[]).load.run("exec 1");
    assert!(lines.any(|line| line.contains("live") && line.contains("exec")));
}

#[test]
#[ignore = "needs root and BTF"]
fn programs_statistics() {
    let stats = || setup().config(QUIET).config("bpf: {stats: true}");
    assert_counts(&mut with(stats(), &[SYS_ADMIN]).start(), &[]);
    let log = refusal(&with(stats(), &[BPF, PERFMON]));
    assert!(log.contains("CAP_SYS_ADMIN") || log.contains("ermi"), "{log}");
}

/// Namespaces of a container's first process take a helper that may look at it.
#[test]
#[ignore = "needs root and BTF"]
fn other_processes() {
    for (further, sees) in
        [(&[SYS_PTRACE, "setuid", "setgid"][..], true), (&[SYS_PTRACE], true), (&["setuid", "setgid"], false)]
    {
        let mut collector = Collector::start();
        let start = [&[BPF, PERFMON], further].concat();
        let exporting = exporting_with(setup().config(QUIET), &collector, "logs: {linger: 10ms}");
        let mut exporter = with(exporting, &start).start();
        assert_counts(&mut exporter, &[]);
        let helper = helper(&exporter).expect("it has one");
        let left: &[&str] = if sees { &[SYS_PTRACE] } else { &[] };
        assert_eq!(set(helper, "CapEff"), bits(left), "{further:?}");
        assert_eq!(set(helper, "CapPrm"), bits(left), "{further:?}");
        let is_nobody = super::status(helper, "Uid").starts_with("65534");
        assert_eq!(is_nobody, further.len() == 3, "{further:?}");
        let container = docker().load("looked-at", &[]);
        let id = json!(container.id);
        let is_start = |record: &doubleslit_testbed::collector::LogRecord| {
            record.event_name == "doubleslit.container.start" && record.attributes.get("container.id") == Some(&id)
        };
        let received = collector.await_received("the start", |received| received.logs.iter().any(is_start));
        let start = received.logs.iter().find(|record| is_start(record)).expect("it was received");
        assert_eq!(start.attributes.contains_key("doubleslit.namespace.net"), sees, "{further:?}: {start:?}");
    }
}

/// A user without other rights reads the files of runtimes, which are root's, with one capability.
#[test]
#[ignore = "needs root and BTF"]
fn files_of_others() {
    use std::os::unix::fs::PermissionsExt as _;

    let directory = tempfile::tempdir().expect("a directory can be made");
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).expect("it is ours");
    let copy = directory.path().join("doubleslit");
    fs::copy(crate::harness::BINARY, &copy).expect("a file can be copied");
    let container = docker().load("named", &[]);
    for (further, name) in [(&["dac_read_search"][..], "named"), (&[], "")] {
        let all: Vec<_> = [&[BPF, PERFMON], further].concat().iter().map(|name| format!(",+{name}")).collect();
        let all = all.concat();
        let [bounding, inheritable, ambient] =
            ["bounding-set", "inh-caps", "ambient-caps"].map(|set| format!("--{set}=-all{all}"));
        let ids = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
        let by = [&ids[..], &[&inheritable, &ambient, &bounding, "--"]].concat();
        let root = docker().data_root();
        let mut exporter = Setup::new(Path::new(&copy))
            .variable("DOUBLESLIT_IDENTITY__DOCKER_ROOT", root.to_str().expect("UTF-8"))
            .variable("DOUBLESLIT_API__ENABLED", "false")
            .variable("DOUBLESLIT_WEB__LIVE_EVENTS", "never")
            .variable("DOUBLESLIT_POLL__MAX_AGE", "0s")
            .by(&by)
            .start();
        assert_eq!(set(exporter.pid(), "CapPrm"), bits(further));
        let id = container.id.clone();
        wait::until("the container is known", || {
            let scrape = exporter.scrape();
            let labels = [("container_id", id.as_str()), ("container", name)];
            (scrape.matching("doubleslit_container_info", &labels).count() == 1).then_some(())
        });
    }
}

#[test]
#[ignore = "needs root and BTF"]
fn a_queue_of_another_user() {
    use std::os::unix::fs::chown;

    let directory = tempfile::tempdir().expect("a directory can be made");
    let queue = directory.path().join("queue");
    fs::create_dir(&queue).expect("a directory can be made");
    chown(&queue, Some(12345), Some(12345)).expect("root may");
    let collector = Collector::start();
    let otlp = format!("logs: {{linger: 10ms, directory: '{}'}}", queue.display());
    let exporting = || exporting_with(setup().config(QUIET), &collector, &otlp);
    // It has nothing of its own there yet.
    let log = refusal(&with(exporting(), &[BPF, PERFMON]));
    assert!(log.contains(&queue.display().to_string()), "{log}");
    let mut exporter = with(exporting(), &[BPF, PERFMON, "dac_override"]).start();
    assert_counts(&mut exporter, &["dac_override"]);
    wait::until("events went through the queue", || {
        let exported = exporter.scrape().sum("doubleslit_otlp_log_records_exported_total", &[]);
        (exported > 0.0).then_some(())
    });
    assert!(exporter.stop().0.success());
}

#[test]
#[ignore = "needs root and BTF"]
fn the_bounding_set() {
    for (further, bounded) in [(&["setpcap"][..], 0), (&[], bits(&[BPF, PERFMON]))] {
        let exporter = with(setup().config(QUIET), &[&[BPF, PERFMON], further].concat()).start();
        assert_eq!(set(exporter.pid(), "CapBnd"), bounded, "{further:?}");
    }
}

#[test]
#[ignore = "needs root and BTF"]
fn tracepoints_where_tracefs_is_not_mounted() {
    let without_tracefs = |capabilities: &[&str]| {
        let bounding: Vec<_> = capabilities.iter().map(|name| format!(",+{name}")).collect();
        let script = format!(
            "umount -a -t tracefs,debugfs 2>/dev/null; exec setpriv --bounding-set=-all{} --inh-caps=-all --ambient-caps=-all -- \"$@\"",
            bounding.concat()
        );
        let setup = setup().config(QUIET).config("tracepoints: [sched:sched_process_fork]");
        setup.by(&["unshare", "--mount", "sh", "-c", &script, "sh"])
    };
    let mut exporter = without_tracefs(&[SYS_ADMIN]).start();
    assert_counts(&mut exporter, &[]);
    assert!(exporter.scrape().sum("doubleslit_tracepoint_hits_total", &[]) >= 20.0);
    let log = refusal(&without_tracefs(&[BPF, PERFMON]));
    assert!(log.contains("CAP_SYS_ADMIN"), "{log}");
}
