//! Streams of one trace.

use super::*;

/// A stream that is being read.
pub(super) struct Reader {
    body: Body,
    text: String,
}

impl Reader {
    pub(super) async fn open(api: &Api, path: &str, accept: &str) -> Self {
        let answer = api.ask("GET", path, &[("Accept", accept)], "").await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        Self { body: answer.into_body(), text: String::new() }
    }

    /// The lines that come next, so many.
    pub(super) async fn lines(&mut self, count: usize) -> Vec<Value> {
        while self.text.lines().count() < count {
            let frame = self.body.frame().await.expect("it goes on").expect("it does not break");
            self.text.push_str(std::str::from_utf8(&frame.into_data().expect("data")).expect("text"));
        }
        let lines = self.text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        self.text.clear();
        lines
    }

    /// What comes until the end.
    pub(super) async fn rest(self) -> String {
        let rest = self.body.collect().await.expect("an end").to_bytes();
        self.text + std::str::from_utf8(&rest).expect("text")
    }
}

async fn traced() -> (Api, Arc<Identity>) {
    let api = Api::start();
    let web = container("shop", "cart-0", "web");
    api.know(7, &web);
    let body = r#"{"name": "a", "spec": {"namespace": "shop", "events": ["exec"]}}"#;
    assert_eq!(api.json("POST", TRACES, body).await.0, 201);
    assert_eq!(api.begun("a").await, Phase::Running);
    (api, web)
}

const EVENTS: &str = "/api/v1/traces/a/events";

#[tokio::test]
async fn every_form_of_a_stream() {
    let (api, web) = traced().await;
    for (accept, path, kind, part, count) in [
        ("*/*", EVENTS, "application/x-ndjson", "{\"event\":\"exec\",", 3),
        ("text/event-stream", EVENTS, "text/event-stream", "event: exec\ndata: {\"event\":\"exec\",", 3),
        ("text/plain", EVENTS, "text/plain; charset=utf-8", "/bin/sh", 3),
        ("text/plain", "/api/v1/traces/a/events?color=true", "text/plain; charset=utf-8", "\u{1b}[0m", 3),
    ] {
        let answer = api.ask("GET", path, &[("Accept", accept)], "").await;
        assert_eq!((answer.status(), told(&answer, header::CONTENT_TYPE)), (StatusCode::OK, kind));
        assert_eq!(answer.headers()[header::CACHE_CONTROL], "no-store");
        api.happen(7, &web, 3);
        let frame = answer.into_body().frame().await.expect("a piece").expect("whole").into_data().expect("data");
        let text = std::str::from_utf8(&frame).expect("text");
        assert!(text.matches(part).count() >= count, "{accept}: {text}");
    }
    let detail =
        "no stream is of `image/png`: expected one of `application/x-ndjson`, `text/event-stream`, `text/plain`";
    let answer = api.ask("GET", EVENTS, &[("Accept", "image/png")], "").await;
    assert_eq!(answer.status(), StatusCode::NOT_ACCEPTABLE);
    let body = answer.into_body().collect().await.expect("a body").to_bytes();
    let told: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(told, problem(406, "Not Acceptable", detail, None));
}

/// The slow one begins to read when more has happened than is kept for it.
#[tokio::test]
async fn a_slow_reader_is_told_what_it_missed_and_a_fast_one_misses_nothing() {
    const BATCHES: usize = 1000;
    let (api, web) = traced().await;
    let (slow, mut fast) = (Reader::open(&api, EVENTS, "*/*").await, Reader::open(&api, EVENTS, "*/*").await);
    for _ in 0..BATCHES {
        api.happen(7, &web, 2);
        assert!(fast.lines(2).await.iter().all(|line| line["event"] == "exec"));
    }
    assert_eq!(api.json("DELETE", "/api/v1/traces/a", "").await.0, 204);
    assert_eq!(fast.rest().await, "");
    let (mut events, mut missed, mut records) = (0, 0, 0);
    for line in slow.rest().await.lines() {
        let record: Value = serde_json::from_str(line).expect("JSON");
        match record["missed"].as_u64() {
            Some(number) => {
                missed += number;
                records += 1;
            }
            None => events += 1,
        }
    }
    assert_eq!((events + missed, records), (2 * BATCHES as u64, 1), "{events} events, {missed} missed");
    assert!(missed > 0 && events > 0, "{events} events, {missed} missed");
}

#[tokio::test]
async fn a_stream_ends_with_its_trace_and_with_the_exporter() {
    let (api, web) = traced().await;
    let reader = Reader::open(&api, EVENTS, "*/*").await;
    api.happen(7, &web, 5);
    assert_eq!(api.json("DELETE", "/api/v1/traces/a", "").await.0, 204);
    assert_eq!(reader.rest().await.lines().count(), 5);

    let (api, _) = traced().await;
    let reader = Reader::open(&api, EVENTS, "text/event-stream").await;
    api.servers.until(std::future::ready(())).await.expect("nothing fails");
    assert_eq!(reader.rest().await, "");
}

#[tokio::test]
async fn there_are_only_so_many() {
    let (api, _) = traced().await;
    let mut readers = Vec::new();
    for _ in 0..STREAMS_MAX {
        readers.push(Reader::open(&api, EVENTS, "*/*").await);
    }
    let detail = "64 streams are open already, and there may be no more: end one";
    let refusal = (503, problem(503, "Service Unavailable", detail, None));
    assert_eq!(api.json("GET", EVENTS, "").await, refusal);
    assert_eq!(api.json("GET", "/api/v1/events", "").await, refusal);
    readers.pop();
    // The task that sends notices in its own time that the reader is gone.
    while api.ask("GET", EVENTS, &[], "").await.status() != StatusCode::OK {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn server_sent_events_are_kept_alive() {
    let hub = crate::events::hub::Hub::default();
    let (sender, mut pieces) = tokio::sync::mpsc::channel(1);
    let sending =
        stream::send(hub.subscribe("test"), form::Form::ServerSent, &sender, std::time::Duration::from_millis(1));
    tokio::select! {
        () = sending => panic!("it goes on"),
        piece = pieces.recv() => assert_eq!(piece.as_deref(), Some(&b":\n\n"[..])),
    }
}
