//! The binary of `make static`, where there is no other file.

use std::{fs, path::Path};

use doubleslit_testbed::{
    api::{self, Stream},
    collector::{Authority, Collector, NAME, Received, Tls},
    docker::{Docker, Hierarchy, LoadContainer},
    exporter::{Exporter, Setup},
    names::Names,
    scrape::Rows,
    shell, static_binary,
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Executes the exporter with a directory as its root: what it is given of the machine, its own directory, and the engine's.
const ROOTED: &str = r#"
root=$1 engine=$2 program=$3
shift 3
own=${DOUBLESLIT_API__SOCKET%/*}
cp "$program" "$root/doubleslit" || exit 1
for place in /proc /sys "$own" "$engine"; do
    mkdir -p "$root$place" && mount --rbind "$place" "$root$place" || exit 1
done
exec chroot "$root" /doubleslit "$@"
"#;

const LAYERS: [&str; 5] = ["capabilities", "helper", "landlock", "no_new_privs", "seccomp"];

/// A root file system with nothing but what has to be said: who signs certificates, and who knows addresses.
fn root(authority: &Authority, names: &Names) -> TempDir {
    let root = TempDir::with_prefix("ds-empty-").expect("a directory can be made");
    let put = |name: &str, text: &str| fs::write(root.path().join(name), text).expect("a file can be written");
    fs::create_dir_all(root.path().join("etc/ssl")).expect("a directory can be made");
    put("etc/resolv.conf", &format!("nameserver {}\n", names.address().ip()));
    put("etc/ssl/authority.pem", &fs::read_to_string(authority.certificate()).expect("it is there"));
    root
}

/// An exporter in a root file system, with a configuration on top of what the test needs.
fn setup(binary: &Path, root: &TempDir, docker: &Docker, lines: &str) -> Setup {
    let (root, engine) = (root.path().display().to_string(), docker.data_root().display().to_string());
    Setup::new(binary)
        .by(&["unshare", "--mount", "--propagation=private", "sh", "-c", ROOTED, "rooted", &root, &engine])
        .config(&format!("poll: {{max_age: 0s}}\nidentity: {{docker_root: '{engine}'}}\n{lines}"))
}

fn executions(received: &Received, container: &LoadContainer<'_>) -> usize {
    let is_one = |name: &str, id: Option<&Value>| name == "doubleslit.process.exec" && id == Some(&json!(container.id));
    received.logs.iter().filter(|log| is_one(&log.event_name, log.attributes.get("container.id"))).count()
}

/// What the exporter has taken from itself.
fn layers(exporter: &mut Exporter) -> Vec<String> {
    let scrape = exporter.scrape();
    let active = scrape.matching("doubleslit_sandbox_active", &[]).filter(|(_, value)| *value == 1.0);
    let mut layers: Vec<_> = active.map(|(series, _)| series.labels["layer"].clone()).collect();
    layers.sort_unstable();
    layers
}

#[test]
#[ignore = "needs root and BTF"]
fn does_everything_where_there_is_no_other_file() {
    let Some(binary) = static_binary::exporter() else {
        println!("skipped: the compiler here has no standard library for musl");
        return;
    };
    let headers = shell::run("readelf", ["--program-headers".as_ref(), "--dynamic".as_ref(), binary.as_os_str()]);
    assert!(!headers.contains("INTERP") && !headers.contains("NEEDED"), "{headers}");

    let directory = TempDir::new().expect("a directory can be made");
    let authority = Authority::new(directory.path());
    let (certificate, key) = authority.certify("server");
    let mut collector = Collector::start_with_tls(Tls { certificate, key, client_authority: None });
    let names = Names::start();
    let root = root(&authority, &names);

    let docker = Docker::start(Hierarchy::Host);
    let users = directory.path().join("passwd");
    fs::write(&users, "root:x:0:0::/:\nann:x:1234:0::/:\n").expect("a file can be written");
    let mut load = docker.load("alpha", &[&format!("--volume={}:/etc/passwd:ro", users.display())]);
    let otlp = format!(
        "otlp: {{endpoint: 'https://{NAME}:{}', protocol: grpc, certificate: /etc/ssl/authority.pem, logs: {{linger: 10ms}}}}\n\
         events: {{select: [{{event: exec, container: alpha}}]}}",
        collector.grpc().port()
    );
    let mut exporter = setup(&binary, &root, &docker, &otlp).start();
    let mut held: Vec<_> = fs::read_dir(root.path())
        .expect("it is there")
        .map(|entry| entry.expect("it can be listed").file_name())
        .collect();
    held.sort_unstable();
    assert_eq!(held, ["doubleslit", "etc", "proc", "sys", "tmp"]);
    assert_eq!(layers(&mut exporter), LAYERS, "{}", exporter.log());

    // Counts, and the same events at a collector whose address has to be found.
    let change = exporter.during(|| drop(load.load.run("exec 500")));
    let labels = [("container", "alpha"), ("container_id", load.id.as_str())];
    let expected = Rows::of([("process_execs", 500), ("process_forks", 500), ("process_exits outcome=success", 500)]);
    assert_eq!(change.rows(&labels).only(&["process_"]), expected, "{}", exporter.log());
    collector.await_received("the executions", |received| executions(received, &load) >= 500);
    assert_eq!(executions(collector.received(), &load), 500);

    // The page, and a trace with the names that the container has for its users.
    let page = exporter.get("/", &[("Accept", "text/html")]);
    assert_eq!(page.status, 200);
    assert!(page.text().contains("<title>"), "{}", page.text());
    let spec = json!({ "containers": ["alpha"], "events": ["exec"] });
    api::trace(&exporter.socket, "t", &spec);
    let mut stream = Stream::open(&exporter.socket, "/api/v1/traces/t/events", "application/x-ndjson");
    docker.cli(["exec", "--user", "1234", &load.id, "/bin/true"]);
    let event = stream.json().expect("an event");
    assert_eq!((&event["event"], &event["process.user.name"]), (&json!("exec"), &json!("ann")), "{event}");
    assert_eq!(api::ask(&exporter.socket, "DELETE", "/api/v1/traces/t", ""), (204, Value::Null));

    // Another configuration, and another life of the collector.
    exporter.rewrite(&setup(&binary, &root, &docker, &format!("{otlp}\nlog: {{level: debug}}")));
    let changed = json!({ "changed": ["`log.level` was `info` and is `debug`"] });
    assert_eq!(api::ask(&exporter.socket, "POST", "/-/reload", ""), (200, changed));
    collector.kill();
    collector.start_again();
    load.load.run("exec 20");
    collector.await_received("what came after a restart", |received| executions(received, &load) >= 521);

    let (status, _, log) = exporter.stop();
    assert!(status.success(), "{log}");
}
