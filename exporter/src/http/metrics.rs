//! One scrape.

use std::{fmt, sync::Arc, time::Instant};

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{Site, busy, stream, text};
use crate::export::{Format, Inputs, encode_in_chunks};

pub(super) async fn scrape(State(site): State<Arc<Site>>, headers: HeaderMap) -> Response {
    let began = Instant::now();
    let Some(permit) = site.scrapes.begin().await else {
        return busy();
    };
    let Some(snapshot) = site.source.fresh().await else {
        return text(StatusCode::SERVICE_UNAVAILABLE, "not ready: the maps were not read yet\n");
    };
    let format = Format::negotiate(&accept(&headers));
    let (writer, body) = stream::channel(Arc::clone(&permit.turn));
    tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let inputs = Inputs::read(Arc::clone(&site.settings), snapshot, site.source.internals(), began);
        let mut sink = |chunk: &str| writer.send(Bytes::copy_from_slice(chunk.as_bytes())).map_err(|_| fmt::Error);
        // A reader that went away or stalls needs no answer; it does not get an end either.
        if encode_in_chunks(&inputs, format, &mut sink).is_ok() {
            writer.finish();
        }
    });
    ([(header::CONTENT_TYPE, format.content_type())], Body::new(body)).into_response()
}

fn accept(headers: &HeaderMap) -> String {
    headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect::<Vec<_>>().join(",")
}
