//! The exporter's API by its unix socket: questions with one answer, and streams.
//!
//! Requests are of HTTP/1.0, so that an answer is what comes until the connection ends.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    os::unix::net::UnixStream,
    path::Path,
};

use serde_json::Value;

use crate::wait::{self, PATIENCE};

/// Asks: the status and the body of the answer, which is JSON; null where there is none.
#[must_use]
pub fn ask(socket: &Path, method: &str, path: &str, body: &str) -> (u16, Value) {
    let (status, mut reader) = begin(socket, method, path, "application/json", body).expect("the exporter answers");
    let mut text = String::new();
    reader.read_to_string(&mut text).expect("a whole answer");
    if text.is_empty() {
        return (status, Value::Null);
    }
    (status, serde_json::from_str(&text).unwrap_or_else(|error| panic!("no JSON: {error}: {text}")))
}

/// Creates a trace and waits until the kernel sends what it asks for.
pub fn trace(socket: &Path, name: &str, spec: &Value) {
    let body = serde_json::json!({ "name": name, "spec": spec }).to_string();
    let (status, created) = ask(socket, "POST", "/api/v1/traces", &body);
    assert_eq!(status, 201, "{created}");
    wait::until("the trace runs", || {
        let (_, trace) = ask(socket, "GET", &format!("/api/v1/traces/{name}"), "");
        assert_ne!(trace["status"]["phase"], "Failed", "{trace}");
        (trace["status"]["phase"] == "Running").then_some(())
    });
}

/// A stream of lines, of which none is read before it is asked for.
#[derive(Debug)]
pub struct Stream(BufReader<UnixStream>);

impl Stream {
    /// Opens it. Everything that happens from now on is in it.
    #[must_use]
    pub fn open(socket: &Path, path: &str, accept: &str) -> Self {
        let (status, mut reader) = begin(socket, "GET", path, accept, "").expect("the exporter answers");
        if status != 200 {
            let mut text = String::new();
            drop(reader.read_to_string(&mut text));
            panic!("{path}: {status}: {text}");
        }
        Self(reader)
    }

    /// The next line, without its end; nothing at the end of the stream.
    pub fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let length = self.0.read_line(&mut line).expect("the stream goes on");
        (length > 0).then(|| line.trim_end().to_owned())
    }

    /// The next line as JSON; nothing at the end of the stream.
    pub fn json(&mut self) -> Option<Value> {
        let line = self.line()?;
        Some(serde_json::from_str(&line).unwrap_or_else(|error| panic!("no JSON: {error}: {line}")))
    }

    /// The lines before the one that is the last.
    pub fn before(&mut self, is_last: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut lines = Vec::new();
        loop {
            let line = self.json().expect("the last line comes before the end");
            if is_last(&line) {
                return lines;
            }
            lines.push(line);
        }
    }

    /// What comes until the end.
    #[must_use]
    pub fn rest(mut self) -> Vec<Value> {
        std::iter::from_fn(|| self.json()).collect()
    }
}

fn begin(
    socket: &Path,
    method: &str,
    path: &str,
    accept: &str,
    body: &str,
) -> io::Result<(u16, BufReader<UnixStream>)> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let length = body.len();
    write!(stream, "{method} {path} HTTP/1.0\r\nAccept: {accept}\r\nContent-Length: {length}\r\n\r\n{body}")?;
    let mut reader = BufReader::new(stream);
    let (mut status, mut line) = (None, String::new());
    while reader.read_line(&mut line)? > 0 && line.trim_end() != "" {
        status = status.or_else(|| line.split(' ').nth(1)?.parse().ok());
        line.clear();
    }
    let status = status.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no status"))?;
    Ok((status, reader))
}
