//! The exporter as a process.

use std::{
    fs::{self, File},
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{
    http::{Connection, Response},
    scrape::Scrape,
    stall, sys, wait, watchdog,
};

/// How to start it.
#[derive(Clone, Debug)]
pub struct Setup {
    binary: PathBuf,
    arguments: Vec<String>,
    config: String,
    mounts_of: Option<i32>,
    socket: Option<PathBuf>,
    by: Vec<String>,
    variables: Vec<(String, String)>,
}

impl Setup {
    /// The binary, with the default configuration.
    #[must_use]
    pub fn new(binary: impl Into<PathBuf>) -> Self {
        Self {
            binary: binary.into(),
            arguments: Vec::new(),
            config: String::new(),
            mounts_of: None,
            socket: None,
            by: Vec::new(),
            variables: Vec::new(),
        }
    }

    /// Further arguments.
    #[must_use]
    pub fn arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        self
    }

    /// Lines of its configuration file.
    #[must_use]
    pub fn config(mut self, lines: &str) -> Self {
        self.config += lines;
        self.config.push('\n');
        self
    }

    /// Serves its API at this socket, not at one of its own.
    #[must_use]
    pub fn socket(mut self, path: &Path) -> Self {
        self.socket = Some(path.to_owned());
        self
    }

    /// Has a command execute it in its own place.
    #[must_use]
    pub fn by(mut self, command: &[&str]) -> Self {
        self.by = command.iter().map(|word| (*word).to_owned()).collect();
        self
    }

    /// A variable of its environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Runs it where a process has its mounts.
    #[must_use]
    pub fn mounts_of(mut self, pid: i32) -> Self {
        self.mounts_of = Some(pid);
        self
    }

    /// Starts it on a free port and waits until it is ready. Panics with its log if it ends instead.
    #[must_use]
    pub fn start(&self) -> Exporter {
        let mut exporter = self.launch(free_address());
        exporter.await_ready();
        exporter
    }

    /// Starts it at an address and does not wait.
    #[must_use]
    pub fn launch(&self, address: SocketAddr) -> Exporter {
        watchdog::feed();
        let directory = TempDir::new().expect("a directory can be made");
        let config = directory.path().join("config.yaml");
        let log = directory.path().join("log");
        fs::write(&config, &self.config).expect("a file can be written");
        let mut command = match (self.mounts_of, self.by.split_first()) {
            (_, Some((first, rest))) => {
                let mut command = Command::new(first);
                command.args(rest).arg(&self.binary);
                command
            }
            // nsenter executes the exporter in its own place, so that the process is the exporter.
            (Some(pid), None) => {
                let mut command = Command::new("nsenter");
                command.arg(format!("--mount=/proc/{pid}/ns/mnt")).arg("--").arg(&self.binary);
                command
            }
            (None, None) => Command::new(&self.binary),
        };
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.arg("run").arg(format!("--web.listen-address={address}"));
        // One for each, because several can run at once.
        let socket = self.socket.clone().unwrap_or_else(|| directory.path().join("api.sock"));
        command.env("DOUBLESLIT_API__SOCKET", &socket);
        if !self.config.is_empty() {
            command.arg(format!("--config.file={}", config.display()));
        }
        let output = File::create(&log).expect("a file can be written");
        command.args(&self.arguments).stdin(Stdio::null());
        command.stdout(output.try_clone().expect("a file can be shared")).stderr(output);
        let started = Instant::now();
        let child = command.spawn().unwrap_or_else(|error| panic!("cannot run {}: {error}", self.binary.display()));
        Exporter { child, address, socket, started, connection: None, log, config, _directory: directory }
    }
}

/// A running exporter. It is killed when this is dropped.
#[derive(Debug)]
pub struct Exporter {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// The socket of its API.
    pub socket: PathBuf,
    started: Instant,
    connection: Option<Connection>,
    log: PathBuf,
    config: PathBuf,
    _directory: TempDir,
}

impl Exporter {
    /// Waits until `/-/ready` says 200 and returns the time since the start.
    pub fn await_ready(&mut self) -> Duration {
        wait::until("the exporter is ready", || {
            if let Some(status) = self.child.try_wait().expect("it is a child") {
                panic!("the exporter ended with {status}:\n{}", self.log());
            }
            self.try_get("/-/ready").ok().filter(|response| response.status == 200)
        });
        self.started.elapsed()
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    /// What it has printed so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Writes the configuration file of another setup in place of its own, whole at once. It must have one.
    pub fn rewrite(&self, setup: &Setup) {
        let next = self.config.with_extension("next");
        fs::write(&next, &setup.config).expect("a file can be written");
        fs::rename(&next, &self.config).expect("a file can be replaced");
    }

    /// Asks over the one connection, which it opens the first time. Panics if there is no answer.
    pub fn get(&mut self, path: &str, headers: &[(&str, &str)]) -> Response {
        if self.connection.is_none() {
            self.connection = Some(Connection::open(self.address).expect("the exporter listens"));
        }
        let connection = self.connection.as_mut().expect("it was just opened");
        connection.get(path, headers).unwrap_or_else(|error| panic!("no answer to {path}: {error}\n{}", self.log()))
    }

    /// What its metrics say now.
    pub fn scrape(&mut self) -> Scrape {
        let response = self.get("/metrics", &[("Accept", "text/plain;version=0.0.4")]);
        assert_eq!(response.status, 200, "{}", response.text());
        Scrape::parse(&response.text())
    }

    /// What happened while something was done.
    pub fn during(&mut self, act: impl FnOnce()) -> Scrape {
        let before = self.scrape();
        act();
        self.scrape().since(&before)
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: i32) {
        sys::send(self.pid(), signal).expect("the exporter runs");
    }

    /// Makes it do nothing. Returns when it has stopped.
    pub fn stall(&self) {
        stall::stall(&self.child);
    }

    /// Lets it go on after [`Self::stall`].
    pub fn go_on(&self) {
        self.signal(libc::SIGCONT);
    }

    /// Ends it with SIGTERM; returns how it ended, how long that took, and its log.
    #[must_use]
    pub fn stop(mut self) -> (ExitStatus, Duration, String) {
        self.signal(libc::SIGTERM);
        let start = Instant::now();
        let status = self.await_end();
        (status, start.elapsed(), self.log())
    }

    /// Ends it with SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().expect("the exporter runs");
        drop(self.child.wait());
    }

    /// Waits until it ends by itself.
    pub fn await_end(&mut self) -> ExitStatus {
        wait::until("the exporter ends", || self.child.try_wait().expect("it is a child"))
    }

    fn try_get(&mut self, path: &str) -> io::Result<Response> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::open(self.address)?,
        };
        let response = connection.get(path, &[])?;
        self.connection = Some(connection);
        Ok(response)
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A loopback address with a port on which nobody listens.
#[must_use]
pub fn free_address() -> SocketAddr {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).expect("a port is free");
    listener.local_addr().expect("it is bound")
}

/// Runs a command of the exporter to its end: its status, standard output and standard error.
#[must_use]
pub fn run(binary: &Path, arguments: &[&str]) -> (ExitStatus, String, String) {
    let output = Command::new(binary).args(arguments).stdin(Stdio::null()).output().expect("it can be run");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status, text(&output.stdout), text(&output.stderr))
}
