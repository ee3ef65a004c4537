//! The files of the page. They are part of the program, so that it needs nothing else, from the network least of all.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};

/// What a browser lets the page do: nothing but to run and to ask what comes from here. No script stands within a page, so that
/// none can get there by a name of a container either.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// What stands in the page for the path of the metrics.
const METRICS: &str = "{{metrics}}";

macro_rules! files {
    ($(($name:literal, $media:ident)),* $(,)?) => {
        [$(($name, $media, include_str!(concat!("../../page/", $name)))),*]
    };
}

/// Name, media type and text.
pub(super) static FILES: [(&str, &str, &str); 11] = files![
    ("style.css", CSS),
    ("icon.svg", SVG),
    ("main.js", SCRIPT),
    ("state.js", SCRIPT),
    ("dom.js", SCRIPT),
    ("table.js", SCRIPT),
    ("chart.js", SCRIPT),
    ("sankey.js", SCRIPT),
    ("events.js", SCRIPT),
    ("detail.js", SCRIPT),
    ("health.js", SCRIPT),
];

/// The page at `/`, and its files.
pub(super) fn router(metrics: &str) -> Router {
    let page = include_str!("../../page/index.html").replace(METRICS, metrics);
    let mut router = Router::new().merge(route("/", HTML, page.into()));
    for (name, media, text) in FILES {
        router = router.merge(route(&format!("/-/page/{name}"), media, Bytes::from_static(text.as_bytes())));
    }
    router
}

fn route(path: &str, media: &'static str, body: Bytes) -> Router {
    // What is compressed on its way is another sequence of bytes with the same meaning.
    let tag = format!("W/\"{:08x}\"", crc32fast::hash(&body));
    Router::new().route(path, get(answer)).with_state(Arc::new(File { media, tag, body }))
}

struct File {
    media: &'static str,
    tag: String,
    body: Bytes,
}

async fn answer(State(file): State<Arc<File>>, headers: HeaderMap) -> Response {
    let File { media, tag, body } = &*file;
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let common: [(HeaderName, HeaderValue); 3] = [
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        // Another exporter may have other files: browsers ask each time whether theirs are still the same.
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    if known.flat_map(|value| value.split(',')).any(|known| known.trim() == tag) {
        return (StatusCode::NOT_MODIFIED, common, [(header::ETAG, tag)]).into_response();
    }
    (common, [(header::ETAG, tag.as_str()), (header::CONTENT_TYPE, media)], body.clone()).into_response()
}
