//! `doubleslit watch` as a process, and the events that it prints.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Instant,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    sys,
    wait::{self, PATIENCE},
};

/// A running `doubleslit watch -o json`. It is killed when this is dropped.
#[derive(Debug)]
pub struct Watch {
    child: Child,
    lines: Receiver<String>,
    /// Its standard output, when nobody reads it.
    unread: Option<ChildStdout>,
    log: PathBuf,
    _directory: TempDir,
}

impl Watch {
    /// Starts it with the lines of a configuration file, and waits until it says that it watches.
    #[must_use]
    pub fn start(binary: &Path, config: &str, arguments: &[&str]) -> Self {
        let mut watch = Self::start_unread(binary, config, arguments);
        watch.read();
        watch
    }

    /// Begins to read what it prints.
    pub fn read(&mut self) {
        let mut output = BufReader::new(self.unread.take().expect("nobody reads it yet"));
        let (sender, lines) = mpsc::channel();
        self.lines = lines;
        thread::spawn(move || {
            let mut line = String::new();
            // Who ends while nobody reads may leave half a line.
            while output.read_line(&mut line).is_ok() && line.ends_with('\n') {
                let read = sender.send(line.trim_end().to_owned());
                line.clear();
                if read.is_err() {
                    break;
                }
            }
        });
    }

    /// The same, but nobody reads what it prints.
    #[must_use]
    pub fn start_unread(binary: &Path, config: &str, arguments: &[&str]) -> Self {
        let directory = TempDir::new().expect("a directory can be made");
        let file = directory.path().join("config.yaml");
        fs::write(&file, config).expect("a file can be written");
        let log = directory.path().join("log");
        let output = File::create(&log).expect("a file can be written");
        let mut command = Command::new(binary);
        command
            .args(["watch", "-o", "json", "--log.level=info", "--config.file"])
            .arg(&file)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(output);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot run {}: {error}", binary.display()));
        let unread = child.stdout.take();
        let mut watch = Self { child, lines: mpsc::channel().1, unread, log, _directory: directory };
        wait::until("doubleslit watches", || {
            if let Some(status) = watch.child.try_wait().expect("it is a child") {
                panic!("it ended with {status}:\n{}", watch.log());
            }
            watch.log().contains("watching").then_some(())
        });
        watch
    }

    /// What it has said so far on standard error.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    /// Waits for the next event that `is_it`; those before it are forgotten. Panics when none comes.
    pub fn await_event(&self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        self.await_events_until(what, is_it).pop().expect("the event that was waited for")
    }

    /// Waits for an event that `is_last`. Returns all events up to it.
    pub fn await_events_until(&self, what: &str, is_last: impl Fn(&Value) -> bool) -> Vec<Value> {
        let (mut events, begun) = (Vec::new(), Instant::now());
        loop {
            // Other events may come all the time.
            let line = self.lines.recv_timeout(PATIENCE.saturating_sub(begun.elapsed()));
            events.push(parse(&line.unwrap_or_else(|error| panic!("no event: {what}: {error}\n{}", self.log()))));
            if events.last().is_some_and(&is_last) {
                return events;
            }
        }
    }

    /// Sends it a signal and waits for its end. Returns how it ended, and the events that were not waited for.
    pub fn stop(&mut self, signal: i32) -> (ExitStatus, Vec<Value>) {
        sys::send(self.pid(), signal).expect("it runs");
        let status = wait::until("it ends", || self.child.try_wait().expect("it is a child"));
        (status, self.lines.iter().map(|line| parse(&line)).collect())
    }
}

fn parse(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("no JSON: {error}: {line}"))
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
