//! Live events by path: each stream is a trace for as long as somebody reads it.

use std::sync::Arc;

use axum::{
    extract::{Path, RawQuery, State},
    http::HeaderMap,
    response::Response,
};

use super::{Site, form::Form, problem::Problem, selection};

/// All events.
pub(super) async fn all(site: State<Arc<Site>>, headers: HeaderMap, query: RawQuery) -> Result<Response, Problem> {
    selected(site, Path(Vec::new()), headers, query).await
}

/// The events that a path means, whose parts are named as fields of events. The answer begins when the kernel sends them.
pub(super) async fn selected(
    State(site): State<Arc<Site>>,
    Path(parts): Path<Vec<(String, String)>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let form = Form::negotiate(&headers, query.as_deref())?;
    site.streams.begin(selection::spec(parts), form).await.map_err(|problem| {
        // What the parts are called, not what they became; of a rule the detail tells all.
        let lists = ["spec.events", "spec.syscalls", "spec.tracepoints"];
        let is_event = problem.field.as_ref().is_some_and(|field| lists.iter().any(|list| field.starts_with(list)));
        if is_event { problem.of("event") } else { problem.of_none() }
    })
}
