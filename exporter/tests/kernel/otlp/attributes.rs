use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use doubleslit_testbed::{
    collector::{Collector, LogRecord},
    shell, wait,
    watch::Watch,
};
use serde_json::{Map, Value, json};

use super::{Counted, EXEC};
use crate::harness::{BINARY, docker, setup_with};

/// The clock of the day is read anew for every batch of events.
const CLOCK: Duration = Duration::from_secs(1);

#[test]
#[ignore = "needs root and BTF"]
fn an_execution_has_the_attributes_that_watch_prints_by_grpc_and_http() {
    for (protocol, compression) in
        [("grpc", "gzip"), ("grpc", "none"), ("http/protobuf", "gzip"), ("http/protobuf", "none")]
    {
        let mut collector = Collector::start();
        let endpoint = if protocol == "grpc" { collector.grpc() } else { collector.http() };
        let users = tempfile::tempdir().expect("a directory can be made");
        let passwd = users.path().join("passwd");
        std::fs::write(&passwd, "root:x:0:0::/:\nann:x:1234:0::/:\n").expect("a file can be written");
        let volume = format!("--volume={}:/etc/passwd:ro", passwd.display());
        let container = docker().load("otlp", &["--label", "team=shop", &volume]);
        let watch = Watch::start(
            Path::new(BINARY),
            &format!("identity: {{docker_root: \"{}\"}}", docker().data_root().display()),
            &["--event", "exec", "--cwd"],
        );
        let mut exporter = setup_with("extra_labels: [team]")
            .config("events: {working_directory: true}")
            .config(&format!(
                "otlp: {{endpoint: 'http://{endpoint}', protocol: {protocol}, compression: {compression}, \
                 resource_attributes: ['k8s.cluster.name=test'], logs: {{linger: 10ms}}}}"
            ))
            .start();
        docker().cli(["exec", "-w", "/tmp", "--user=1234", "otlp", "/bin/sh", "-c", "exec /bin/true"]);

        let is_it = |attributes: &Value| {
            attributes["container.id"] == json!(container.id) && attributes["process.executable.path"] == "/bin/true"
        };
        let printed = watch.await_event("the execution", is_it);
        assert_eq!([&printed["process.user.name"], &printed["process.real_user.name"]], ["ann", "ann"]);
        let of_it = |record: &&LogRecord| is_it(&json!(record.attributes));
        let received = collector.await_received("the execution", |received| received.logs.iter().any(|it| of_it(&it)));
        let record = received.logs.iter().find(of_it).expect("it was received").clone();
        assert_eq!(record.attributes["process.working_directory"], "/tmp");
        check(&record, &printed);
        wait::until("it is acknowledged", || (Counted::now(&mut exporter).exported > 0.0).then_some(()));
    }
}

/// Compares a record with what `watch` printed of the same event.
fn check(record: &LogRecord, printed: &Value) {
    let mut expected = printed.as_object().expect("an object").clone();
    let mut found: Map<String, Value> = record.attributes.clone().into_iter().collect();
    assert_eq!(expected.remove("event"), Some(json!("exec")));
    let text = |value: Option<Value>| value.and_then(|value| value.as_str().map(str::to_owned)).expect("a text");
    let time = |text: String| humantime::parse_rfc3339(&text).expect("a time");
    close(UNIX_EPOCH + Duration::from_nanos(record.time), time(text(expected.remove("time"))));
    let created = "process.creation.time";
    close(time(text(found.remove(created))), time(text(expected.remove(created))));
    assert_eq!(found.remove("container.label.team"), Some(json!("shop")));
    assert_eq!(found, expected);

    assert_eq!((record.event_name.as_str(), record.severity_number, record.severity_text.as_str()), (EXEC, 9, ""));
    assert!(record.observed_time >= record.time && record.body == Value::Null);
    assert_eq!((record.scope.name.as_str(), record.scope.version.as_str()), ("doubleslit", env!("CARGO_PKG_VERSION")));
    let mut resource = record.resource.clone();
    let instance = text(resource.remove("service.instance.id"));
    assert_eq!(instance.len(), 36, "{instance}");
    let command = |command: &str| json!(shell::run("sh", ["-c", command]).trim());
    let arch = if cfg!(target_arch = "x86_64") { "amd64" } else { "arm64" };
    let machine: BTreeMap<String, Value> = [
        ("service.name", json!("doubleslit")),
        ("service.version", json!(env!("CARGO_PKG_VERSION"))),
        ("host.name", command("uname -n")),
        ("host.id", command("cat /etc/machine-id 2>/dev/null || true")),
        ("host.arch", json!(arch)),
        ("os.type", json!("linux")),
        ("os.version", command("uname -r")),
        ("k8s.cluster.name", json!("test")),
    ]
    .into_iter()
    .filter(|(_, value)| *value != "")
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    assert_eq!(resource, machine);
}

fn close(one: SystemTime, other: SystemTime) {
    let distance = one.duration_since(other).unwrap_or_else(|error| error.duration());
    assert!(distance < CLOCK, "{distance:?}");
}
