//! HTTP/1.1 over a unix socket: an answer of JSON, or a stream of lines. Each request has a connection of its own, so that
//! none waits for another.

use std::path::{Path, PathBuf};

use http_body_util::{BodyExt as _, Empty};
use hyper::{
    Request, StatusCode,
    body::{Bytes, Incoming},
    client::conn::http1,
    header::HOST,
};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use super::{ANSWER_BYTES, REQUEST, SocketError, Task, within};

/// The size up to which a line of a stream is read, in bytes.
const LINE_BYTES: usize = 1 << 20;

/// The size up to which the head of an answer is read, in bytes.
const HEAD_BYTES: usize = 64 << 10;

/// A server behind a socket.
#[derive(Clone, Debug)]
pub(super) struct Client {
    socket: PathBuf,
}

/// The body of an answer, and what brings it.
#[derive(Debug)]
struct Body {
    request: String,
    incoming: Incoming,
    _connection: Task,
}

/// A stream of lines.
#[derive(Debug)]
pub(super) struct Lines {
    body: Body,
    buffer: Vec<u8>,
}

impl Client {
    /// A client of the server behind `socket`. Does not connect yet.
    pub(super) fn new(socket: &Path) -> Self {
        Self { socket: socket.to_owned() }
    }

    /// What is at `path`; nothing when there is nothing.
    pub(super) async fn json<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, SocketError> {
        let answer = async {
            let Some(mut body) = self.get(path).await? else { return Ok(None) };
            let mut bytes = Vec::new();
            while let Some(part) = body.part().await? {
                if bytes.len() + part.len() > ANSWER_BYTES {
                    return Err(SocketError::TooLarge { request: path.to_owned(), limit: ANSWER_BYTES });
                }
                bytes.extend_from_slice(&part);
            }
            Ok(Some(bytes))
        };
        let Some(bytes) = within(REQUEST, path, answer).await? else { return Ok(None) };
        let malformed = |error| SocketError::Malformed { request: path.to_owned(), source: Box::new(error) };
        serde_json::from_slice(&bytes).map(Some).map_err(malformed)
    }

    /// The lines of a stream that does not end by itself.
    pub(super) async fn lines(&self, path: &str) -> Result<Lines, SocketError> {
        let body = within(REQUEST, path, self.get(path)).await?.ok_or_else(|| SocketError::absent(path))?;
        Ok(Lines { body, buffer: Vec::new() })
    }

    async fn get(&self, path: &str) -> Result<Option<Body>, SocketError> {
        let broken =
            |source: Box<dyn std::error::Error + Send + Sync>| SocketError::Broken { request: path.to_owned(), source };
        let stream = UnixStream::connect(&self.socket).await.map_err(SocketError::Connect)?;
        let handshake = http1::Builder::new().max_buf_size(HEAD_BYTES).handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(|error| broken(error.into()))?;
        let connection = Task::spawn(async {
            // Whoever reads the body sees the same error.
            let _ = connection.await;
        });
        let request = Request::get(path).header(HOST, "localhost").body(Empty::<Bytes>::new());
        let answer = sender.send_request(request.map_err(|error| broken(error.into()))?).await;
        let answer = answer.map_err(|error| broken(error.into()))?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(None),
            other => return Err(SocketError::Refused { request: path.to_owned(), answer: other.to_string() }),
        }
        Ok(Some(Body { request: path.to_owned(), incoming: answer.into_body(), _connection: connection }))
    }
}

impl Body {
    /// The next part; nothing at the end.
    async fn part(&mut self) -> Result<Option<Bytes>, SocketError> {
        while let Some(frame) = self.incoming.frame().await {
            let broken = |error| SocketError::Broken { request: self.request.clone(), source: Box::new(error) };
            if let Ok(data) = frame.map_err(broken)?.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }
}

impl Lines {
    /// The next line, without its end. May be dropped while it waits.
    pub(super) async fn next(&mut self) -> Result<Vec<u8>, SocketError> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let rest = self.buffer.split_off(end + 1);
                let mut line = std::mem::replace(&mut self.buffer, rest);
                line.truncate(end);
                return Ok(line);
            }
            if self.buffer.len() > LINE_BYTES {
                return Err(SocketError::TooLarge { request: self.body.request.clone(), limit: LINE_BYTES });
            }
            let part = self.body.part().await?.ok_or(SocketError::Ended)?;
            self.buffer.extend_from_slice(&part);
        }
    }
}
