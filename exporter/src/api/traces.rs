//! Traces: created, listed, shown, deleted, and their events.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{Path, RawQuery, State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::Value;

use super::{Site, TRACES, form::Form, problem::Problem};
use crate::traces::{CreateError, Spec, SpecError, Trace, Traces, Unknown};

/// Bytes of a request's body, at most.
pub(super) const BODY_BYTES: usize = 64 << 10;

/// What a trace is called for which the client has no name.
const UNNAMED: &str = "trace";

impl From<Unknown> for Problem {
    fn from(unknown: Unknown) -> Self {
        Self::new(StatusCode::NOT_FOUND, unknown.to_string())
    }
}

/// What a body says of a field of the specification.
fn invalid(error: &SpecError) -> Problem {
    let field =
        if error.field.is_empty() || error.field == "." { "spec".to_owned() } else { format!("spec.{}", error.field) };
    Problem::new(StatusCode::BAD_REQUEST, format!("invalid `{field}`: {}", error.reason)).of(field)
}

pub(super) async fn list(State(site): State<Arc<Site>>) -> Response {
    json(StatusCode::OK, &site.traces.list())
}

pub(super) async fn show(State(site): State<Arc<Site>>, Path(name): Path<String>) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, &site.traces.get(&name)?))
}

pub(super) async fn delete(State(site): State<Arc<Site>>, Path(name): Path<String>) -> Result<StatusCode, Problem> {
    site.traces.delete(&name)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn post(
    State(site): State<Arc<Site>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let body = body.map_err(|error| {
        let status = error.status();
        let is_large = status == StatusCode::PAYLOAD_TOO_LARGE;
        let detail = if is_large { format!("the body is larger than {BODY_BYTES} bytes") } else { error.body_text() };
        Problem::new(status, detail)
    })?;
    let NewTrace { name, spec } = NewTrace::read(&body)?;
    let created = create(&site.traces, name, UNNAMED, spec)?;
    let location = format!("{TRACES}/{}", created.name);
    Ok(([(header::LOCATION, location)], json(StatusCode::CREATED, &created)).into_response())
}

pub(super) async fn events(
    State(site): State<Arc<Site>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let subscription = site.traces.subscribe(&name)?;
    let form = Form::negotiate(&headers, query.as_deref())?;
    site.streams.follow(subscription, form)
}

/// Creates a trace. Without a name it gets one that begins with `prefix`.
pub(super) fn create(traces: &Traces, name: Option<String>, prefix: &str, spec: Spec) -> Result<Trace, Problem> {
    let result = match name {
        Some(name) => traces.create(&name, spec),
        None => loop {
            let drawn = format!("{prefix}-{:08x}", fastrand::u32(..));
            match traces.create(&drawn, spec.clone()) {
                Err(CreateError::Duplicate(_)) => {}
                result => break result,
            }
        },
    };
    result.map_err(|error| match &error {
        CreateError::Duplicate(_) => Problem::new(StatusCode::CONFLICT, error.to_string()).of("name"),
        CreateError::TooMany(_) => Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
        CreateError::Invalid(SpecError { field, .. }) if field == "name" => {
            Problem::new(StatusCode::BAD_REQUEST, error.to_string()).of("name")
        }
        CreateError::Invalid(error) => invalid(error),
    })
}

/// What a client asks for.
#[derive(Debug)]
pub(super) struct NewTrace {
    name: Option<String>,
    spec: Spec,
}

impl NewTrace {
    pub(super) fn read(body: &[u8]) -> Result<Self, Problem> {
        let refused = |detail: String| Problem::new(StatusCode::BAD_REQUEST, detail);
        let expected = "expected an object such as `{\"name\": \"execs\", \"spec\": {\"events\": [\"exec\"]}}`";
        let body = serde_json::from_slice(body)
            .map_err(|error| refused(format!("the body is no JSON: {error}: {expected}")))?;
        let Value::Object(fields) = body else { return Err(refused(format!("the body is no object: {expected}"))) };
        let (mut name, mut spec) = (None, None);
        for (field, value) in fields {
            match (field.as_str(), value) {
                ("name", Value::String(text)) => name = Some(text),
                ("name", Value::Null) => {}
                ("name", other) => {
                    return Err(refused(format!("invalid `name`: `{other}`: expected a text")).of("name"));
                }
                ("spec", value) => spec = Some(Spec::read(&value).map_err(|error| invalid(&error))?),
                _ => return Err(refused(format!("unknown field `{field}`: expected one of `name`, `spec`")).of(field)),
            }
        }
        let spec = spec.ok_or_else(|| refused(format!("there is no `spec`: {expected}")).of("spec"))?;
        Ok(Self { name, spec })
    }
}

fn json(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => (status, [(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(error) => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
