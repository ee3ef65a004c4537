//! A real Prometheus that scrapes an exporter.

use std::{
    fs,
    net::SocketAddr,
    ops::Deref,
    process::{Child, Command, Stdio},
};

use doubleslit_testbed::{exporter, http::Connection, wait};
use serde_json::Value;
use tempfile::TempDir;

/// Asks a Prometheus.
pub(crate) struct Client {
    address: SocketAddr,
    network_of: Option<i32>,
}

impl Client {
    /// The client of one that listens where a process has its network.
    pub(crate) fn in_network_of(pid: i32, address: SocketAddr) -> Self {
        Self { address, network_of: Some(pid) }
    }

    /// The value of the one series that an expression has; nothing if it has none.
    pub(crate) fn query(&self, expression: &str) -> Option<f64> {
        self.values(expression)?.first().copied()
    }

    /// The values of all series that an expression has. Panics when it is no expression.
    pub(crate) fn values(&self, expression: &str) -> Option<Vec<f64>> {
        let expression: String = expression.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let data = self.get(&format!("/api/v1/query?query={expression}"))?;
        let series = data["result"].as_array()?;
        series.iter().map(|series| series["value"][1].as_str()?.parse().ok()).collect()
    }

    /// What it answers to a path of its API; nothing while it does not. Panics when it refuses.
    pub(crate) fn get(&self, path: &str) -> Option<Value> {
        let connection = match self.network_of {
            Some(pid) => Connection::open_in_network_of(pid, self.address),
            None => Connection::open(self.address),
        };
        let answer = connection.ok()?.get(path, &[]).ok()?;
        let mut answer: Value = serde_json::from_str(&answer.text()).ok()?;
        assert_eq!(answer["status"], "success", "{answer}");
        Some(answer["data"].take())
    }
}

/// It ends when this is dropped.
pub(crate) struct Prometheus {
    child: Child,
    client: Client,
    directory: TempDir,
}

impl Prometheus {
    /// Starts it and waits until it has scraped. Panics with its log if it could not read what it got.
    pub(crate) fn scraping(target: SocketAddr) -> Self {
        Self::scraping_with(target, "scheme: http")
    }

    /// The same with further settings of the job.
    pub(crate) fn scraping_with(target: SocketAddr, settings: &str) -> Self {
        let prometheus = Self::trying(target, settings);
        let up = wait::until("Prometheus has scraped", || prometheus.query("up"));
        let log = prometheus.directory.path().join("log");
        assert_eq!(up, 1.0, "{}", fs::read_to_string(log).unwrap_or_default());
        prometheus
    }

    /// Starts it with further settings of the job, and does not wait.
    pub(crate) fn trying(target: SocketAddr, settings: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let config = directory.path().join("prometheus.yml");
        let log = directory.path().join("log");
        let scrape =
            format!("scrape_configs: [{{job_name: d, scrape_interval: 1s, {settings}, static_configs: [{{targets: ['");
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
        Self { child, client: Client { address, network_of: None }, directory }
    }
}

impl Deref for Prometheus {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
