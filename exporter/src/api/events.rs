//! Live events by path: each stream is a trace for as long as somebody reads it.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Path, RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};

use super::{Site, form::Form, problem::Problem, selection, stream, traces};
use crate::traces::{Phase, Traces};

/// How often it is looked whether the kernel sends what a stream asks for.
const LOOK: Duration = Duration::from_millis(5);

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
    let permit = site.permit()?;
    let traces = &site.traces;
    let created = traces::create(traces, None, "stream", selection::spec(parts)).map_err(|problem| {
        // What the parts are called, not what they became; of a rule the detail tells all.
        let lists = ["spec.events", "spec.syscalls", "spec.tracepoints"];
        let is_event = problem.field.as_ref().is_some_and(|field| lists.iter().any(|list| field.starts_with(list)));
        if is_event { problem.of("event") } else { problem.of_none() }
    })?;
    let own = Own { traces: traces.clone(), name: created.name };
    let subscription = traces.subscribe(&own.name)?;
    loop {
        let status = traces.get(&own.name)?.status;
        match status.phase {
            Phase::Pending => tokio::time::sleep(LOOK).await,
            Phase::Failed => return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, status.message)),
            Phase::Running | Phase::Complete => break,
        }
    }
    Ok(stream::answer(subscription, form, site.stopping.clone(), (own, permit)))
}

/// A trace that ends with its stream.
#[derive(Debug)]
struct Own {
    traces: Traces,
    name: String,
}

impl Drop for Own {
    fn drop(&mut self) {
        // Somebody may have deleted it.
        let _ = self.traces.delete(&self.name);
    }
}
