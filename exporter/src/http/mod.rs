//! What is served over HTTP: the metrics, health.

mod metrics;
mod scrapes;
mod stream;

#[cfg(test)]
mod tests;

use std::{pin::Pin, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use tower_http::{CompressionLevel, compression::CompressionLayer};

use self::scrapes::Scrapes;
use crate::{
    counts::snapshot::Snapshot,
    export::{Internals, Settings},
    web::Refusal,
};

/// Scrapes that may be under way at once; a further one is turned away, unless one of them is not read.
const SCRAPES_MAX: usize = 16;

const HEALTHY: &str = "/-/healthy";
const READY: &str = "/-/ready";
/// Where the configuration is read again, of the API. Whoever can scrape cannot ask for it.
pub const RELOAD: &str = "/-/reload";

const NOT_HERE: &str = "the configuration is not read again from here, where everybody may ask: send SIGHUP to the exporter, or \
                        `POST /-/reload` to the socket of its API, as `doubleslit reload` does\n";

/// A snapshot that is on its way.
pub type Fresh<'a> = Pin<Box<dyn Future<Output = Option<Arc<Snapshot>>> + Send + 'a>>;

/// Where a scrape gets what it shows.
pub trait Source: Send + Sync + 'static {
    /// A snapshot that is fresh enough; nothing before the first one.
    fn fresh(&self) -> Fresh<'_>;

    /// What is known of the BPF side. Called once for every scrape, on a thread that may block for a moment.
    fn internals(&self) -> Arc<Internals>;

    /// Whether the first snapshot is there.
    fn is_ready(&self) -> bool;
}

struct Site {
    telemetry_path: String,
    settings: Arc<Settings>,
    source: Arc<dyn Source>,
    scrapes: Arc<Scrapes>,
}

/// The routes. The metrics are at `telemetry_path`, which must be none of the other paths.
pub fn router(telemetry_path: &str, settings: Arc<Settings>, source: Arc<dyn Source>) -> Router {
    let site = Site {
        telemetry_path: telemetry_path.to_owned(),
        settings,
        source,
        scrapes: Arc::new(Scrapes::new(SCRAPES_MAX)),
    };
    Router::new()
        .route(telemetry_path, get(metrics::scrape))
        .route(HEALTHY, get(|| async { text(StatusCode::OK, "healthy\n") }))
        .route(READY, get(ready))
        .route(RELOAD, any(|| async { text(StatusCode::FORBIDDEN, NOT_HERE) }))
        .fallback(unknown)
        .layer(CompressionLayer::new().gzip(true).quality(CompressionLevel::Fastest))
        .with_state(Arc::new(site))
}

async fn ready(State(site): State<Arc<Site>>) -> Response {
    if site.source.is_ready() {
        text(StatusCode::OK, "ready\n")
    } else {
        text(StatusCode::SERVICE_UNAVAILABLE, "not ready: the maps were not read yet\n")
    }
}

async fn unknown(State(site): State<Arc<Site>>) -> Response {
    let paths = format!("not found: there are `/`, `{}`, `{HEALTHY}` and `{READY}`\n", site.telemetry_path);
    text(StatusCode::NOT_FOUND, paths)
}

/// The answer to a scrape that is one too many.
fn busy() -> Response {
    let mut answer = text(StatusCode::SERVICE_UNAVAILABLE, "too many scrapes at once\n");
    answer.extensions_mut().insert(Refusal::Scrapes);
    answer
}

fn text(status: StatusCode, text: impl Into<String>) -> Response {
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text.into()).into_response()
}
