//! One encoding of a snapshot for all who ask for it.

use std::sync::{Arc, Weak};

use axum::{body::Bytes, http::StatusCode};
use tokio::{sync::Mutex, task::spawn_blocking};

use crate::{api::Problem, counts::snapshot::Snapshot};

/// The last encoding. It is made when somebody asks, and whoever asks meanwhile waits for the same one.
#[derive(Debug, Default)]
pub(super) struct Shared(Mutex<Option<(Weak<Snapshot>, Bytes)>>);

impl Shared {
    pub(super) async fn get(
        &self,
        snapshot: &Arc<Snapshot>,
        encode: impl FnOnce(&Snapshot) -> Result<Vec<u8>, Problem> + Send + 'static,
    ) -> Result<Bytes, Problem> {
        let mut last = self.0.lock().await;
        let wanted = Arc::downgrade(snapshot);
        if let Some((encoded, bytes)) = &*last
            && encoded.ptr_eq(&wanted)
        {
            return Ok(bytes.clone());
        }
        let snapshot = Arc::clone(snapshot);
        let encoded = spawn_blocking(move || encode(&snapshot)).await;
        let internal =
            |error: tokio::task::JoinError| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string());
        let bytes = Bytes::from(encoded.map_err(internal)??);
        *last = Some((wanted, bytes.clone()));
        Ok(bytes)
    }
}
