//! Both text formats, read by a real Prometheus.

use std::{
    fs,
    io::Write as _,
    process::{Command, Stdio},
    time::{SystemTime, UNIX_EPOCH},
};

use doubleslit_testbed::{scrape::Scrape, shell};

use crate::{
    harness::{assert_conserved, docker, setup},
    prometheus::Prometheus,
};

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

    let prometheus = Prometheus::scraping(exporter.address);
    let selector = format!("doubleslit_process_execs_total{{container_id=\"{}\"}}", a.id);
    let here = exporter.scrape().value("doubleslit_process_execs_total", &[("container_id", &a.id)]);
    assert_eq!(prometheus.query(&selector), here);
}

/// With times of creation. A container that was there before counts since the exporter started, a later one since it started.
#[test]
#[ignore = "needs root and BTF"]
fn prometheus_reads_times_of_creation() {
    let before = docker().load("before", &[]);
    let started = SystemTime::now();
    let mut exporter = setup().config("metrics: {created: true}").start();
    let ready = SystemTime::now();
    let later = docker().load("later", &[]);
    let text = exporter.get("/metrics", &[("Accept", "application/openmetrics-text;version=1.0.0")]).text();
    let openmetrics = Scrape::parse(&text);
    let (earlier_id, later_id) = ([("container_id", before.id.as_str())], [("container_id", later.id.as_str())]);
    let execs = "doubleslit_process_execs_created";
    let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).expect("after 1970").as_secs_f64();
    for labels in [&earlier_id[..], &[("container", ""), ("container_id", ""), ("pod", "")]] {
        let created = openmetrics.value(execs, labels).expect("it is there");
        assert!((seconds(started)..=seconds(ready)).contains(&created), "{created}");
    }
    let created = openmetrics.value(execs, &later_id).expect("it is there");
    assert_eq!(Some(created), openmetrics.value("doubleslit_container_start_time_seconds", &later_id));
    let starts = [("container", "later"), ("runtime", "docker")];
    assert_eq!(openmetrics.value("doubleslit_container_starts_created", &starts), Some(created));
    // Each counter is followed by its own time.
    let lines = text.lines().filter(|line| line.contains(&later.id)).collect::<Vec<_>>();
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.contains("_created{")) {
        let series = |line: &str| line.rsplit_once(' ').map(|(series, _)| series.to_owned());
        assert_eq!(series(&line.replacen("_created{", "_total{", 1)), series(lines[at - 1]), "{line}");
    }
    assert!(!exporter.get("/metrics", &[]).text().contains("_created"), "the text format has no times of creation");

    let prometheus = Prometheus::scraping(exporter.address);
    assert_eq!(prometheus.query(&format!("{execs}{{container_id=\"{}\"}}", later.id)), Some(created));
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
