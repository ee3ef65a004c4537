//! The live page at `/`: its files, what it shows of the counts, and single events as they happen.
//!
//! The page asks again and again and makes rates of what two answers differ by, so that nothing is kept here for those who look,
//! and nothing is done while nobody does.

mod columns;
mod counts;
mod events;
mod files;
mod owners;
mod query;
mod shared;
mod state;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::{
    Router,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Serialize;
use tower_http::{CompressionLevel, compression::CompressionLayer};

use crate::{
    api::{Problem, Streams},
    export::Settings,
    http::Source,
    traces::Traces,
    web::Stopping,
};

/// What the page draws from.
#[derive(Clone)]
pub struct Parts {
    /// The path of the metrics.
    pub metrics: String,
    /// What stays the same from scrape to scrape.
    pub settings: Arc<Settings>,
    /// Where snapshots come from.
    pub source: Arc<dyn Source>,
    /// Single events, if the page may show them.
    pub streams: Option<Streams>,
    /// For whom these are.
    pub audience: Audience,
}

/// For whom single events are, of all who get in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// For all of them.
    Everybody,
    /// For those who open the page by an address or as `localhost`, and for those who are known.
    Here,
    /// For those who are known, by a password or a certificate.
    Known,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { metrics, settings: _, source: _, streams, audience: _ } = self;
        formatter.debug_struct("Parts").field("metrics", metrics).field("streams", streams).finish_non_exhaustive()
    }
}

/// Single events for those who look at the page, in no more than so many streams at once.
#[must_use]
pub fn streams(traces: &Traces, stopping: Stopping, max: usize) -> Streams {
    Streams::new(traces.clone(), stopping, max)
}

struct Site {
    parts: Parts,
    state: shared::Shared,
}

/// The routes: `/`, and whatever is below `/-/page/`.
pub fn router(parts: Parts) -> Router {
    let files = files::router(&parts.metrics);
    let site = Arc::new(Site { parts, state: shared::Shared::default() });
    let counts = Router::new()
        .route("/-/page/state", get(state::answer))
        .route("/-/page/counts", get(counts::answer))
        .with_state(Arc::clone(&site));
    // Events are few bytes each, and must not wait for each other in a compressor.
    let events = Router::new().route("/-/page/events", get(events::answer)).with_state(site);
    files.merge(counts).layer(CompressionLayer::new().gzip(true).quality(CompressionLevel::Fastest)).merge(events)
}

/// The refusal before the first snapshot.
fn not_ready() -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the maps were not read yet")
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(value).map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}

fn answer(body: impl IntoResponse) -> Response {
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")], body).into_response()
}
