//! Single events, as long as somebody reads them.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode, header, uri::Authority},
    response::Response,
};

use super::{Site, query};
use crate::{
    api::{Form, Problem},
    filter::WrittenRule,
    traces::{self, Spec},
};

/// What says how events can be had.
const SWITCHED_OFF: &str = "single events tell what others execute, and this page may be reached from elsewhere: \
    `web.live_events: always` shows them nevertheless, `doubleslit watch` on the machine shows them in any case";

/// What says which page is meant.
const OTHER_PAGE: &str = "single events are for the page of this machine, opened by its address or as `localhost`: \
    `web.live_events: always` shows them to others too";

/// `?event=`, `?select=` and `?drop=` are as the flags of `doubleslit watch`, and so is what it answers.
pub(super) async fn answer(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let Some(streams) = &site.parts.streams else {
        return Err(Problem::new(StatusCode::FORBIDDEN, SWITCHED_OFF));
    };
    if site.parts.only_here && !is_asked_here(&headers) {
        return Err(Problem::new(StatusCode::FORBIDDEN, OTHER_PAGE));
    }
    let spec = spec(query::pairs(query.as_deref().unwrap_or_default()))?;
    streams.begin(spec, Form::Text { is_colored: true }).await
}

/// Whether it is this machine's own page that asks. Any name but `localhost` may be made to lead here by whoever owns it, whose
/// page a browser then takes for this one (DNS rebinding); and a page of another site may begin what it cannot read.
fn is_asked_here(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &header::HeaderValue| value.to_str().ok());
    let host = text(header::HOST).and_then(|host| host.parse::<Authority>().ok());
    let is_here = host.is_some_and(|host| {
        let host = host.host().trim_matches(['[', ']']);
        host == "localhost" || host.parse::<IpAddr>().is_ok()
    });
    // What is no browser does not say it.
    is_here && matches!(text(header::HeaderName::from_static("sec-fetch-site")), None | Some("same-origin" | "none"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_site_is_not_this_one() {
        for (host, site, expected) in [
            ("127.0.0.1:10435", "", true),
            ("127.0.0.1", "same-origin", true),
            ("[::1]:10435", "none", true),
            ("localhost:10435", "same-origin", true),
            ("rebound.example:10435", "same-origin", false),
            ("localhost.example", "", false),
            ("127.0.0.1:10435", "cross-site", false),
            ("127.0.0.1:10435", "same-site", false),
            ("a b", "", false),
            ("", "", false),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in
                [("host", host), ("sec-fetch-site", site)].into_iter().filter(|(_, value)| !value.is_empty())
            {
                headers.insert(name, value.parse().expect("a value"));
            }
            assert_eq!(is_asked_here(&headers), expected, "{headers:?}");
        }
    }
}
