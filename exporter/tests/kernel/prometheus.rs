//! A real Prometheus that scrapes an exporter.

use std::{
    fs,
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

use doubleslit_testbed::{exporter, http::Connection, wait};
use tempfile::TempDir;

/// It ends when this is dropped.
pub(crate) struct Prometheus {
    child: Child,
    address: SocketAddr,
    _directory: TempDir,
}

impl Prometheus {
    /// Starts it and waits until it has scraped. Panics with its log if it could not read what it got.
    pub(crate) fn scraping(target: SocketAddr) -> Self {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let config = directory.path().join("prometheus.yml");
        let log = directory.path().join("log");
        let scrape = "scrape_configs: [{job_name: d, scrape_interval: 1s, static_configs: [{targets: ['";
        fs::write(&config, format!("{scrape}{target}']}}]}}]\n")).expect("a file can be written");
        let address = exporter::free_address();
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", directory.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).expect("a file can be written"))
            .spawn()
            .expect("prometheus can be run");
        let prometheus = Self { child, address, _directory: directory };
        let up = wait::until("Prometheus has scraped", || prometheus.query("up"));
        assert_eq!(up, 1.0, "{}", fs::read_to_string(log).unwrap_or_default());
        prometheus
    }

    /// The value of the one series that an expression has; nothing if it has none.
    pub(crate) fn query(&self, expression: &str) -> Option<f64> {
        self.values(expression)?.first().copied()
    }

    /// The values of all series that an expression has. Panics when it is no expression.
    pub(crate) fn values(&self, expression: &str) -> Option<Vec<f64>> {
        let expression: String = expression.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let answer =
            Connection::open(self.address).ok()?.get(&format!("/api/v1/query?query={expression}"), &[]).ok()?;
        let answer: serde_json::Value = serde_json::from_str(&answer.text()).ok()?;
        assert_eq!(answer["status"], "success", "{answer}");
        let series = answer["data"]["result"].as_array()?;
        series.iter().map(|series| series["value"][1].as_str()?.parse().ok()).collect()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
