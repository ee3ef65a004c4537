//! Where a collector lives: its ports, its configuration, its files.

use std::{
    fs::{self, File},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{port::Port, shell};

/// PEM files for receivers that speak TLS.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The collector's certificate.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// Who must have signed the certificates of clients, if they need one.
    pub client_authority: Option<PathBuf>,
}

/// What stays the same in all lives of a collector.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) grpc: Port,
    pub(super) http: Port,
    tls: Option<Tls>,
    directory: TempDir,
}

impl Place {
    /// A place on free ports.
    pub(super) fn new(tls: Option<Tls>) -> Self {
        let directory = TempDir::with_prefix("ds-collector-").expect("a directory can be made");
        Self { grpc: Port::reserve(), http: Port::reserve(), tls, directory }
    }

    /// The file that a life's messages are in. A life has a file of its own, because there may be half a line at its end.
    pub(super) fn output(&self, life: u32) -> PathBuf {
        self.directory.path().join(format!("received-{life}"))
    }

    /// What was printed in all lives.
    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// Begins a life.
    pub(super) fn launch(&self, life: u32) -> Child {
        let config = self.directory.path().join("config.yaml");
        // JSON is YAML.
        fs::write(&config, self.config(&self.output(life)).to_string()).expect("a file can be written");
        let log = File::options().create(true).append(true).open(self.log_file()).expect("a file can be written");
        let binary = binary();
        let mut command = Command::new(&binary);
        command.arg("--config").arg(config).stdin(Stdio::null());
        command.stdout(log.try_clone().expect("a file can be shared")).stderr(log);
        // An interrupt from the keyboard is for the owner.
        command.process_group(0);
        command.spawn().unwrap_or_else(|error| {
            panic!("cannot run {}: {error}; scripts/setup-otel-collector builds it", binary.display())
        })
    }

    fn config(&self, output: &Path) -> Value {
        // What is sent is acknowledged after every exporter has had it.
        let pipeline = json!({"receivers": ["otlp"], "exporters": ["file", "debug"]});
        json!({
            "receivers": {"otlp": {"protocols": {"grpc": self.receiver(&self.grpc), "http": self.receiver(&self.http)}}},
            "exporters": {
                // A file that is never rotated is written with a delay: a kill would lose what was acknowledged.
                "file": {"path": output, "rotation": {"max_megabytes": 4096}},
                "debug": {"verbosity": "basic"},
            },
            "service": {
                "telemetry": {"metrics": {"level": "none"}},
                "pipelines": {"logs": pipeline, "metrics": pipeline},
            },
        })
    }

    fn receiver(&self, port: &Port) -> Value {
        let mut receiver = json!({"endpoint": port.address});
        if let Some(Tls { certificate, key, client_authority }) = &self.tls {
            receiver["tls"] = json!({"cert_file": certificate, "key_file": key});
            if let Some(authority) = client_authority {
                receiver["tls"]["client_ca_file"] = json!(authority);
            }
        }
        receiver
    }

    fn log_file(&self) -> PathBuf {
        self.directory.path().join("log")
    }
}

/// Where the collector is that tests use, as the script says that builds it.
#[must_use]
pub fn binary() -> PathBuf {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/setup-otel-collector");
    shell::run(script, ["--path"]).into()
}
