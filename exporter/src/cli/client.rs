//! Asking the exporter that runs.

use std::{
    io,
    path::{Path, PathBuf},
};

use anyhow::anyhow;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::{Bytes, Incoming},
    client::conn::http1,
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;

use super::Failure;
use crate::api::{Problem, TRACES};

/// Where a trace is.
pub(super) fn path(name: &str) -> String {
    let mut path = format!("{TRACES}/");
    for byte in name.bytes() {
        match byte {
            b'-' | b'_' | b'.' => path.push(byte.into()),
            _ if byte.is_ascii_alphanumeric() => path.push(byte.into()),
            _ => path.push_str(&format!("%{byte:02X}")),
        }
    }
    path
}

/// The exporter behind a socket.
#[derive(Debug)]
pub(super) struct Client {
    socket: PathBuf,
}

impl Client {
    /// Does not connect yet.
    pub(super) fn new(socket: &Path) -> Self {
        Self { socket: socket.to_owned() }
    }

    /// The answer to a request with this body; null where it is empty.
    pub(super) async fn json(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        let answer = self.ask(method, path, "application/json", body).await?;
        let bytes = answer.into_body().collect().await.map_err(|error| self.broken(error))?.to_bytes();
        if bytes.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&bytes).map_err(|error| self.broken(error))
    }

    /// An answer that goes on.
    pub(super) async fn stream(&self, path: &str, accept: &str) -> Result<Incoming, Failure> {
        Ok(self.ask(Method::GET, path, accept, None).await?.into_body())
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        accept: &str,
        body: Option<&Value>,
    ) -> Result<Response<Incoming>, Failure> {
        let stream = UnixStream::connect(&self.socket).await.map_err(|error| self.unreachable(error))?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| self.broken(error))?;
        // Whoever reads the answer sees the same error.
        tokio::spawn(async { drop(connection.await) });
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost")
            .header(header::ACCEPT, accept)
            .body(Full::<Bytes>::from(body))
            .map_err(|error| self.broken(error))?;
        let answer = sender.send_request(request).await.map_err(|error| self.broken(error))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status();
        let bytes = answer.into_body().collect().await.map_err(|error| self.broken(error))?.to_bytes();
        let detail = match serde_json::from_slice::<Problem>(&bytes) {
            Ok(problem) => problem.detail,
            Err(_) => format!("the exporter at `{}` answers {status}", self.socket.display()),
        };
        let error = anyhow!(detail);
        Err(if status == StatusCode::BAD_REQUEST { Failure::Usage(error) } else { Failure::Failed(error) })
    }

    fn unreachable(&self, error: io::Error) -> Failure {
        let way_out = match error.kind() {
            io::ErrorKind::PermissionDenied => "run it as the exporter's user, which is root",
            _ => "start one with `doubleslit run`, or name its `api.socket` with `--socket`",
        };
        let what = format!("cannot reach an exporter at `{}` ({way_out})", self.socket.display());
        Failure::Failed(anyhow::Error::new(error).context(what))
    }

    /// What came from there was no answer, or not a whole one.
    pub(super) fn broken(&self, error: impl std::error::Error + Send + Sync + 'static) -> Failure {
        let what = format!("no whole answer of the exporter at `{}`", self.socket.display());
        Failure::Failed(anyhow::Error::new(error).context(what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_is_one_part_of_a_path() {
        assert_eq!(path("shop-execs_1.0"), "/api/v1/traces/shop-execs_1.0");
        assert_eq!(path("a/../b?c ä"), "/api/v1/traces/a%2F..%2Fb%3Fc%20%C3%A4");
    }

    #[tokio::test]
    async fn an_exporter_that_does_not_run_is_told_with_the_way_out() {
        let directory = tempfile::tempdir().expect("a directory");
        let socket = directory.path().join("api.sock");
        let failure = Client::new(&socket).json(Method::GET, TRACES, None).await.expect_err("nobody is there");
        assert_eq!(
            failure.to_string().replace(&socket.display().to_string(), "SOCKET"),
            "cannot reach an exporter at `SOCKET` (start one with `doubleslit run`, or name its `api.socket` with `--socket`): \
             No such file or directory (os error 2)"
        );
    }
}
