//! The API under `/api/v1`: traces and live events. `openapi.json` describes it, `docs/api.md` tells how it is used.

mod events;
mod form;
mod problem;
mod reload;
mod selection;
mod socket;
mod stream;
mod streams;
mod token;
mod traces;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{Method, StatusCode, Uri, header},
    middleware,
    response::{IntoResponse, Response},
    routing::{MethodRouter, get, post},
};
pub use form::Form;
pub use problem::Problem;
pub use reload::{Reloads, Reply};
pub use socket::{Socket, SocketError};
pub use streams::Streams;
pub use token::{Token, TokenError};

use crate::{http::RELOAD, traces::Traces, web::Stopping};

/// Where the traces are.
pub const TRACES: &str = "/api/v1/traces";

/// The description of all routes.
const DESCRIPTION: &str = include_str!("openapi.json");

#[derive(Debug)]
struct Site {
    traces: Traces,
    streams: Streams,
    reloads: Reloads,
}

/// Every path, and what answers there. `openapi.json` has the same, which a test holds.
fn routes() -> Vec<(&'static str, MethodRouter<Arc<Site>>)> {
    vec![
        ("/api/v1/openapi.json", get(description)),
        (TRACES, get(traces::list).post(traces::post)),
        ("/api/v1/traces/{name}", get(traces::show).delete(traces::delete)),
        ("/api/v1/traces/{name}/events", get(traces::events)),
        ("/api/v1/events", get(events::all)),
        ("/api/v1/events/{namespace}", get(events::selected)),
        ("/api/v1/events/{namespace}/{pod}", get(events::selected)),
        ("/api/v1/events/{namespace}/{pod}/{container}", get(events::selected)),
        ("/api/v1/events/{namespace}/{pod}/{container}/{event}", get(events::selected)),
        (RELOAD, post(reload::post)),
    ]
}

/// The routes, with no more than so many streams at once. These end when the servers begin to stop.
pub fn router(traces: Traces, reloads: Reloads, stopping: Stopping, streams: usize) -> Router {
    let site = Site { streams: Streams::new(traces.clone(), stopping, streams), traces, reloads };
    routes()
        .into_iter()
        .fold(Router::new(), |router, (path, answer)| router.route(path, answer))
        .fallback(unknown)
        .method_not_allowed_fallback(not_allowed)
        .layer(DefaultBodyLimit::max(traces::BODY_BYTES))
        .with_state(Arc::new(site))
}

/// The same routes for those who show the token.
pub fn guarded(router: Router, token: Token) -> Router {
    router.layer(middleware::from_fn_with_state(token, token::required))
}

async fn description() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], DESCRIPTION).into_response()
}

async fn unknown(uri: Uri) -> Problem {
    let detail = format!("there is no `{}`; `/api/v1/openapi.json` describes what there is", uri.path());
    Problem::new(StatusCode::NOT_FOUND, detail)
}

async fn not_allowed(method: Method, uri: Uri) -> Problem {
    let detail = format!("`{}` does not take `{method}`; the header `Allow` says what it takes", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
}
