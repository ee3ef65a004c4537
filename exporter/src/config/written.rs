//! The configuration as it is written: every value still a text.

use std::collections::BTreeMap;

use config::Value;
use serde::Deserialize;

use super::otlp::Standard;

/// All sections.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    pub(super) web: Web,
    pub(super) api: Api,
    pub(super) log: Log,
    pub(super) probes: BTreeMap<String, String>,
    pub(super) syscalls: Syscalls,
    pub(super) poll: Poll,
    pub(super) maps: Maps,
    pub(super) retention: Retention,
    pub(super) identity: Identity,
    pub(super) limits: Limits,
    pub(super) ignore: Vec<BTreeMap<String, String>>,
    pub(super) tracepoints: Vec<Value>,
    pub(super) events: Events,
    pub(super) traces: Vec<Value>,
    pub(super) metrics: Metrics,
    pub(super) bpf: Bpf,
    pub(super) privileges: Privileges,
    pub(super) otlp: Otlp,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Web {
    pub(super) listen_address: Vec<String>,
    pub(super) systemd_socket: String,
    pub(super) telemetry_path: String,
    pub(super) config_file: String,
    pub(super) allowed_hosts: Vec<String>,
    pub(super) live_events: String,
    pub(super) limits: WebLimits,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WebLimits {
    pub(super) connections: String,
    pub(super) header_bytes: String,
    pub(super) handshake_time: String,
    pub(super) header_time: String,
    pub(super) body_time: String,
    pub(super) idle_time: String,
    pub(super) stall_time: String,
    pub(super) page_streams: String,
    pub(super) api_streams: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Api {
    pub(super) enabled: String,
    pub(super) socket: String,
    pub(super) listen_address: Vec<String>,
    pub(super) token_file: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Log {
    pub(super) level: String,
    pub(super) format: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Syscalls {
    pub(super) calls: Vec<String>,
    pub(super) time: String,
    pub(super) histograms: Vec<String>,
    pub(super) select: Vec<Value>,
    pub(super) drop: Vec<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Poll {
    pub(super) interval: String,
    pub(super) max_age: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Maps {
    pub(super) counts: String,
    pub(super) edges: String,
    pub(super) hits: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Retention {
    pub(super) grace: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Identity {
    pub(super) labels: Vec<String>,
    pub(super) extra_labels: Vec<String>,
    pub(super) unit: String,
    pub(super) container_labels: Vec<String>,
    pub(super) host_root: String,
    pub(super) docker_root: String,
    pub(super) sockets: Sockets,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sockets {
    pub(super) docker: Vec<String>,
    pub(super) cri: Vec<String>,
    pub(super) containerd: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limits {
    pub(super) series_per_family: String,
    pub(super) series_per_container: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Metrics {
    pub(super) created: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bpf {
    pub(super) stats: String,
    pub(super) pin: String,
    pub(super) pin_path: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Privileges {
    pub(super) drop: String,
    pub(super) landlock: String,
    pub(super) seccomp: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Events {
    pub(super) profile: String,
    pub(super) select: Vec<Value>,
    pub(super) drop: Vec<Value>,
    pub(super) sample: Vec<Value>,
    pub(super) ring_bytes: String,
    pub(super) arguments: Arguments,
    pub(super) working_directory: String,
    pub(super) syscalls: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    pub(super) enabled: String,
    pub(super) bytes: String,
    pub(super) redact: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Otlp {
    pub(super) endpoint: String,
    pub(super) protocol: String,
    pub(super) headers: Vec<String>,
    pub(super) timeout: String,
    pub(super) compression: String,
    pub(super) insecure: String,
    pub(super) certificate: String,
    pub(super) client_certificate: String,
    pub(super) client_key: String,
    pub(super) resource_attributes: Vec<String>,
    pub(super) identity: String,
    pub(super) shutdown: String,
    pub(super) logs: OtlpLogs,
    pub(super) metrics: OtlpMetrics,
    /// What is meant where a value is empty.
    #[serde(skip)]
    pub(super) standard: Standard,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OtlpLogs {
    pub(super) enabled: String,
    pub(super) batch: String,
    pub(super) linger: String,
    pub(super) queue_bytes: String,
    pub(super) queue_records: String,
    pub(super) give_up: String,
    pub(super) directory: String,
    pub(super) directory_bytes: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OtlpMetrics {
    pub(super) enabled: String,
    pub(super) interval: String,
}
