//! Both text formats, read by a real Prometheus.

use std::{
    fs,
    io::Write as _,
    process::{Child, Command, Stdio},
};

use doubleslit_testbed::{exporter, http::Connection, scrape::Scrape, shell, wait};

use crate::harness::{assert_conserved, docker, setup};

struct Prometheus(Child);

impl Drop for Prometheus {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
#[ignore = "needs root and BTF"]
fn promtool_finds_nothing() {
    let mut a = docker().load("alpha", &[]);
    let mut exporter = setup().start();
    a.load.run("exec 10");
    let response = exporter.get("/metrics", &[]);
    let kind = response.header("content-type").unwrap_or_default();
    assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool can be run");
    promtool.stdin.take().expect("it is piped").write_all(&response.body).expect("promtool reads");
    let output = promtool.wait_with_output().expect("promtool ends");
    let text = [output.stdout, output.stderr].concat();
    assert_eq!((output.status.success(), String::from_utf8_lossy(&text).as_ref()), (true, ""));
}

/// A real Prometheus asks for OpenMetrics and stores what the exporter says.
#[test]
#[ignore = "needs root and BTF"]
fn prometheus_reads_openmetrics() {
    let mut a = docker().load("alpha", &[]);
    let mut exporter = setup().start();
    a.load.run("exec 123");
    let openmetrics = exporter.get("/metrics", &[("Accept", "application/openmetrics-text;version=1.0.0")]);
    let kind = openmetrics.header("content-type").unwrap_or_default().to_owned();
    assert!(kind.starts_with("application/openmetrics-text; version=1.0.0"), "{kind}");
    assert!(openmetrics.text().ends_with("# EOF\n"));

    let directory = tempfile::tempdir().expect("a directory can be made");
    let config = directory.path().join("prometheus.yml");
    let target = exporter.address;
    let scrape = "scrape_configs: [{job_name: d, scrape_interval: 1s, static_configs: [{targets: ['";
    fs::write(&config, format!("{scrape}{target}']}}]}}]\n")).expect("a file can be written");
    let address = exporter::free_address();
    let log = fs::File::create(directory.path().join("log")).expect("a file can be written");
    let prometheus = Command::new("prometheus")
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}", directory.path().join("data").display()))
        .arg(format!("--web.listen-address={address}"))
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("prometheus can be run");
    let _prometheus = Prometheus(prometheus);

    let query = |expression: &str| -> Option<String> {
        let path = format!("/api/v1/query?query={expression}");
        let answer: serde_json::Value =
            serde_json::from_str(&Connection::open(address).ok()?.get(&path, &[]).ok()?.text()).ok()?;
        answer["data"]["result"][0]["value"][1].as_str().map(str::to_owned)
    };
    let up = wait::until("Prometheus has scraped", || query("up"));
    assert_eq!(up, "1", "{}", fs::read_to_string(directory.path().join("log")).unwrap_or_default());
    let selector = format!("doubleslit_process_execs_total{{container_id=%22{}%22}}", a.id);
    let here = exporter.scrape().value("doubleslit_process_execs_total", &[("container_id", &a.id)]);
    assert_eq!(query(&selector).and_then(|value| value.parse().ok()), here);
}

/// The same counts in both formats, and under gzip.
#[test]
#[ignore = "needs root and BTF"]
fn both_formats_say_the_same() {
    let a = docker().load("alpha", &[]);
    let mut exporter = setup().start();
    let of_a = |text: &str| Scrape::parse(text).rows(&[("container_id", &a.id)]);
    let plain = of_a(&exporter.get("/metrics", &[]).text());
    let openmetrics = of_a(&exporter.get("/metrics", &[("Accept", "application/openmetrics-text")]).text());
    assert_eq!(plain, openmetrics);
    let gzip = exporter.get("/metrics", &[("Accept-Encoding", "gzip")]);
    assert_eq!(gzip.header("content-encoding"), Some("gzip"));
    let packed = tempfile::NamedTempFile::new().expect("a file can be made");
    fs::write(packed.path(), gzip.body).expect("a file can be written");
    let unpacked = shell::run("gzip", ["-dc".as_ref(), "--stdout".as_ref(), packed.path().as_os_str()]);
    assert_eq!(of_a(&unpacked), plain);
    assert_conserved(&exporter.scrape());
}
