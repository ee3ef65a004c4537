//! Reading the configuration again.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use tokio::sync::{mpsc, oneshot};

use super::{Site, problem::Problem};

/// How many may wait for their turn; others wait until they may.
const WAITING: usize = 8;

/// Who is told what became of it: the changes that apply, or why there are none.
pub type Reply = oneshot::Sender<Result<Vec<String>, String>>;

/// The way to whoever reads the configuration again, one time after the other.
#[derive(Clone, Debug)]
pub struct Reloads(mpsc::Sender<Reply>);

impl Reloads {
    /// A way, and where it leads. When nobody is there any more, whoever asks is told so.
    #[must_use]
    pub fn new() -> (Self, mpsc::Receiver<Reply>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Self(sender), receiver)
    }

    /// Has the configuration read again; nothing when that is done no more.
    async fn ask(&self) -> Option<Result<Vec<String>, String>> {
        let (reply, outcome) = oneshot::channel();
        self.0.send(reply).await.ok()?;
        outcome.await.ok()
    }
}

pub(super) async fn post(State(site): State<Arc<Site>>) -> Result<Response, Problem> {
    let outcome = site.reloads.ask().await.ok_or_else(|| {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the exporter is ending and reads no configuration any more")
    })?;
    let changed = outcome.map_err(|reason| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, reason))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], json!({ "changed": changed }).to_string()).into_response())
}
