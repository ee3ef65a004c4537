//! The configuration: what was written (defaults, file, environment, flags), then what is meant by it.

mod address;
mod api;
mod applies;
mod changes;
mod chosen;
mod error;
mod events;
mod ignore;
mod labels;
mod layers;
pub mod otlp;
mod settings;
mod syscalls;
mod tracepoints;
mod traces;
mod understood;
mod web;
mod written;

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

pub use address::ListenAddress;
pub use api::{Api, SOCKET, Tcp};
pub use applies::Applies;
pub use changes::{Change, Values};
pub use error::Error;
pub use events::{Arguments, Events};
pub use labels::ContainerLabel;
pub use settings::{Setting, Takes, settings};
pub use syscalls::calls;
pub use web::{LiveEvents, Web, WebLimits};

use crate::{
    filter::Owners,
    identity::{ignore::Ignore, labels::RowLabels},
    probes::syscall::Calls,
    tracepoints::select::Wanted,
    traces::Spec,
};

/// The configuration, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// What is served where.
    pub web: Web,
    /// Where the API is served.
    pub api: Api,
    /// The log.
    pub log: Log,
    /// Which probes are on.
    pub probes: Probes,
    /// What the probe of system calls counts.
    pub syscalls: Syscalls,
    /// Reading the maps.
    pub poll: Poll,
    /// The maps' capacities.
    pub maps: Maps,
    /// How long things stay.
    pub retention: Retention,
    /// How containers are named.
    pub identity: Identity,
    /// How many series there may be.
    pub limits: Limits,
    /// Which containers are left out.
    pub ignore: Ignore,
    /// The tracepoints whose hits are counted.
    pub tracepoints: Vec<Wanted>,
    /// Which single events are sent.
    pub events: Events,
    /// The traces that begin at start, each with its name.
    pub traces: Vec<(String, Spec)>,
    /// How metrics are written.
    pub metrics: Metrics,
    /// The BPF side.
    pub bpf: Bpf,
    /// What the exporter takes from itself.
    pub privileges: Privileges,
    /// What is sent by OTLP.
    pub otlp: otlp::Otlp,
}

/// The log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    /// The least important lines that appear.
    pub level: LogLevel,
    /// The form of a line.
    pub format: LogFormat,
}

/// How important a line of the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Data was lost.
    Error,
    /// Something is degraded.
    Warn,
    /// Start and stop.
    Info,
    /// For whoever looks for a fault.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// Every level.
    pub const ALL: [Self; 5] = [Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// The form of a line of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl LogFormat {
    /// Every form.
    pub const ALL: [Self; 2] = [Self::Text, Self::Json];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

/// Which probes are on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probes(BTreeMap<&'static str, bool>);

impl Probes {
    /// Whether the probe with this name is on.
    #[must_use]
    pub fn is_on(&self, name: &str) -> bool {
        self.0.get(name).copied().unwrap_or(false)
    }
}

/// What the probe of system calls counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Syscalls {
    /// The calls, at least one, and which of them have histograms.
    pub calls: Calls,
    /// Whether it measures how long they take.
    pub time: bool,
    /// Whose calls it counts.
    pub of: Owners,
}

/// Reading the maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Poll {
    /// How often.
    pub interval: Duration,
    /// The age from which on a scrape has them read first.
    pub max_age: Duration,
}

/// The maps' capacities, in entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Maps {
    /// Of the map `COUNTS`.
    pub counts: u32,
    /// Of the map `EDGES`.
    pub edges: u32,
    /// Of the map `HITS`.
    pub hits: u32,
}

/// How long things stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// The rows of a container that is gone.
    pub grace: Duration,
}

/// How containers are named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The labels of rows; of those of the identity at least one, each once.
    pub labels: RowLabels,
    /// The container's own labels that its information metric shows.
    pub container_labels: Vec<ContainerLabel>,
    /// Where the root of the machine is whose containers are counted.
    pub host_root: PathBuf,
    /// Where docker keeps its state, from that root on.
    pub docker_root: PathBuf,
    /// The sockets that are asked.
    pub sockets: Sockets,
}

/// Sockets of runtimes, by what they speak; each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sockets {
    /// Docker's HTTP API.
    pub docker: Vec<PathBuf>,
    /// CRI, which the kubelet uses.
    pub cri: Vec<PathBuf>,
    /// containerd's own API.
    pub containerd: Vec<PathBuf>,
}

/// How many series there may be; 0 is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Of a metric family.
    pub series_per_family: usize,
    /// Of a container.
    pub series_per_container: usize,
}

/// How metrics are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metrics {
    /// Whether OpenMetrics tells since when counters count.
    pub created: bool,
}

/// The BPF side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bpf {
    /// Whether the kernel measures the programs' run time.
    pub stats: bool,
    /// Whether the counts outlive the exporter.
    pub pin: bool,
    /// The directory in which maps and programs stay then.
    pub pin_path: PathBuf,
}

/// What the exporter takes from itself when everything is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Privileges {
    /// Capabilities that are not needed any more.
    pub drop: bool,
    /// Files, ports and processes, by Landlock.
    pub landlock: bool,
    /// System calls, by seccomp.
    pub seccomp: bool,
}

impl Privileges {
    /// Whether anything of it is wanted.
    #[must_use]
    pub fn any(self) -> bool {
        self.drop || self.landlock || self.seccomp
    }
}

/// What the command line says about the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// `--web.listen-address`; when empty, the flag was not given.
    pub listen_addresses: Vec<String>,
    /// `--web.telemetry-path`.
    pub telemetry_path: Option<String>,
    /// `--web.config.file`.
    pub web_config_file: Option<String>,
    /// `--web.systemd-socket`.
    pub systemd_socket: bool,
    /// `--log.level`.
    pub log_level: Option<String>,
    /// `--log.format`.
    pub log_format: Option<String>,
    /// `--pin`.
    pub pin: bool,
}

/// Reads the configuration: defaults, then the file, then `DOUBLESLIT_` variables, then flags; the last one wins. Where they
/// leave a value of `otlp` empty, the standard variables of OpenTelemetry say it.
///
/// # Errors
///
/// When the file cannot be read, a key or variable does not exist, or a value does not fit.
pub fn load(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
    flags: &Flags,
) -> Result<Config, Error> {
    read(file, environment, flags).map(|(config, _)| config)
}

/// The same with every setting as it is written, for what is read later to be compared with.
fn read(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
    flags: &Flags,
) -> Result<(Config, Values), Error> {
    let environment = Vec::from_iter(environment);
    let standard = otlp::Standard::of(&environment);
    let (values, mut written) = layers::layered(file, environment, flags)?;
    written.otlp.standard = standard;
    Ok((written.try_into()?, values))
}

/// The same with the variables of this process.
///
/// # Errors
///
/// As [`load`].
pub fn from_environment(file: Option<&Path>, flags: &Flags) -> Result<Config, Error> {
    load(file, variables(), flags)
}

/// The variables of this process.
fn variables() -> impl Iterator<Item = (String, String)> {
    // A variable that is not UTF-8 can only be refused or matter to nobody.
    std::env::vars_os().map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
}

/// Where a configuration came from, to read it again: the file, the variables of this process, and flags.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// `--config.file`.
    pub file: Option<PathBuf>,
    /// What the command line says.
    pub flags: Flags,
}

impl Origin {
    /// Reads the configuration as it is now, and every setting as it is written.
    ///
    /// # Errors
    ///
    /// As [`load`].
    pub fn read(&self) -> Result<(Config, Values), Error> {
        read(self.file.as_deref(), variables(), &self.flags)
    }
}
