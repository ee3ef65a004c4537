//! A load that is served somewhere else, seen from here.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

use crate::{load::serve::SOCKET, wait};

/// How long a command may take, on a machine that has other things to do as well.
const PATIENCE: Duration = Duration::from_secs(300);

/// A connection to a served load.
#[derive(Debug)]
pub struct Remote {
    stream: BufReader<UnixStream>,
}

impl Remote {
    /// Connects to the load that serves a directory, as soon as it does.
    #[must_use]
    pub fn connect(directory: &Path) -> Self {
        let socket = directory.join(SOCKET);
        let stream = wait::until("the load answers", || UnixStream::connect(&socket).ok());
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout above zero");
        Self { stream: BufReader::new(stream) }
    }

    /// Has a command done and returns its answer once all its effects are over. Panics if it fails.
    pub fn run(&mut self, command: &str) -> String {
        self.ask(command);
        self.answer(command)
    }

    /// Begins a command; [`Self::answer`] must follow.
    pub fn ask(&mut self, command: &str) {
        self.stream.get_mut().write_all(format!("{command}\n").as_bytes()).expect("the load is there");
    }

    /// Waits for the end of the command that was asked for last.
    pub fn answer(&mut self, command: &str) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("the load answers");
        match line.trim_end().split_once(' ').unwrap_or((line.trim_end(), "")) {
            ("ok", answer) => answer.to_owned(),
            _ => panic!("`{command}` failed: {line}"),
        }
    }
}
