//! Single events, as long as somebody reads them.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};

use super::{Audience, Site, query};
use crate::{
    api::{Form, Problem},
    filter::WrittenRule,
    traces::{self, Spec},
    web::{self, Visitor},
};

/// What says how events can be had.
const SWITCHED_OFF: &str = "single events tell what others execute, and this page may be reached from elsewhere: \
    a password or a certificate in `web.config_file` shows them to those who have it, `web.live_events: always` to everybody, and \
    `doubleslit watch` on the machine shows them in any case";

/// What says which page is meant.
const OTHER_PAGE: &str = "single events are for the page of this machine, opened by its address or as `localhost`: \
    `web.live_events: always` shows them to others too";

/// `?event=`, `?select=` and `?drop=` are as the flags of `doubleslit watch`, and so is what it answers.
pub(super) async fn answer(
    State(site): State<Arc<Site>>,
    visitor: Option<Extension<Visitor>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let Some(streams) = &site.parts.streams else {
        return Err(Problem::new(StatusCode::FORBIDDEN, SWITCHED_OFF));
    };
    let is_known = visitor.is_some_and(|Extension(visitor)| visitor.is_known);
    match site.parts.audience {
        Audience::Everybody => {}
        _ if is_known => {}
        Audience::Here if web::is_asked_here(&headers) => {}
        Audience::Here => return Err(Problem::new(StatusCode::FORBIDDEN, OTHER_PAGE)),
        Audience::Known => return Err(Problem::new(StatusCode::FORBIDDEN, SWITCHED_OFF)),
    }
    let spec = spec(query::pairs(query.as_deref().unwrap_or_default()))?;
    streams.begin(spec, Form::Text { is_colored: true }).await
}

/// What is asked for. Neither system calls nor other tracepoints: who looks at the page must not slow the machine down.
fn spec(pairs: Vec<(String, String)>) -> Result<Spec, Problem> {
    let refused = |detail: String| Problem::new(StatusCode::BAD_REQUEST, detail);
    let mut spec = Spec::default();
    for (name, value) in pairs {
        let rule = |list: &str| WrittenRule::parse(&value, list).map_err(|error| refused(error.to_string()));
        match name.as_str() {
            "event" => spec.events.push(value),
            "select" => spec.select.push(rule("select")?),
            "drop" => spec.drop.push(rule("drop")?),
            _ => return Err(refused(format!("unknown `{name}`: expected one of `event`, `select`, `drop`"))),
        }
    }
    if spec.events.is_empty() {
        spec.events.extend(traces::kinds().map(|kind| kind.name().to_owned()));
    }
    Ok(spec)
}
