use std::{
    sync::Mutex,
    time::{Duration, UNIX_EPOCH},
};

use axum::{
    body::Body,
    http::{HeaderMap, Request},
};
use doubleslit_common::{kind::Kind, probes::syscall};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::*;
use crate::{
    counts::{
        fake::subject,
        snapshot::{Container, Snapshot},
    },
    export::Internals,
    http::Fresh,
    identity::{Identity, Runtime, Scope, labels::RowLabels},
    probes,
    top::LABELS,
};

const ID: &str = "7de99b5f7430a1b2c3d4e5f60718293a4b5c6d7e8f901a2b3c4d5e6f70819203";
/// What somebody may call a container who wants to do harm.
const NAME: &str = "<img src=x onerror=alert(1)>";

struct Fake {
    snapshot: Mutex<Option<Arc<Snapshot>>>,
    /// How often it was asked what is known of the BPF side, which is once for each encoding.
    encodings: Mutex<usize>,
}

impl Source for Fake {
    fn fresh(&self) -> Fresh<'_> {
        let snapshot = self.snapshot.lock().expect("not poisoned").clone();
        Box::pin(async move { snapshot })
    }

    fn internals(&self) -> Arc<Internals> {
        *self.encodings.lock().expect("not poisoned") += 1;
        Arc::default()
    }

    fn is_ready(&self) -> bool {
        true
    }
}

fn snapshot() -> Snapshot {
    let openat = |result| syscall::detail(probes::syscall::call_number("openat").expect("it exists"), result);
    let getpid = syscall::detail(probes::syscall::call_number("getpid").expect("it exists"), 7);
    let counts = [
        (Kind::Exec, 0, 3),
        (Kind::Exit, 0, 2),
        (Kind::Exit, 1, 1),
        (Kind::EventLost, 0, 9),
        (Kind::Syscall, openat(3), 5),
        (Kind::Syscall, openat(-2), 4),
        (Kind::Syscall, getpid, 1),
    ];
    let own = subject(Scope::Container, ["", "", NAME, ID], &counts);
    let identity = Identity {
        scope: Scope::Container,
        runtime: Some(Runtime::Docker),
        container_id: ID.to_owned(),
        container: NAME.to_owned(),
        image: "shop/web:1.4".to_owned(),
        ..Identity::default()
    };
    let container = Container {
        labels: Arc::clone(&own.labels),
        identity: Arc::new(identity),
        cgroup_id: 7,
        cgroup_path: String::new(),
        started: Some(UNIX_EPOCH + Duration::from_secs(100)),
        running: true,
    };
    Snapshot {
        taken: Duration::from_millis(1500),
        labels: RowLabels { identity: LABELS.to_vec(), ..RowLabels::default() }.into(),
        subjects: vec![subject(Scope::Host, [""; 4], &[(Kind::Fork, 0, 8)]), own],
        containers: vec![Arc::new(container)],
        ..Snapshot::default()
    }
}

struct Page {
    fake: Arc<Fake>,
    router: Router,
}

impl Page {
    fn start() -> Self {
        let fake = Arc::new(Fake { snapshot: Mutex::new(Some(Arc::new(snapshot()))), encodings: Mutex::default() });
        let settings = Settings { families: probes::families().collect(), ..Settings::default() };
        let (settings, source) = (Arc::new(settings), Arc::clone(&fake) as Arc<dyn Source>);
        let parts = Parts { metrics: "/m".to_owned(), settings, source, streams: None, audience: Audience::Here };
        Self { fake, router: router(parts) }
    }

    async fn ask(&self, path: &str, headers: &[(&str, &str)]) -> (StatusCode, HeaderMap, Vec<u8>) {
        let mut request = Request::builder().uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).expect("a request");
        let answer = self.router.clone().oneshot(request).await.expect("it always answers");
        let (head, body) = answer.into_parts();
        (head.status, head.headers, body.collect().await.expect("a body").to_bytes().to_vec())
    }

    async fn json(&self, path: &str) -> (StatusCode, Value) {
        let (status, _, body) = self.ask(path, &[]).await;
        (status, serde_json::from_slice(&body).expect("JSON"))
    }
}

#[tokio::test]
async fn files_are_small_and_asked_for_once() {
    let page = Page::start();
    let (mut bytes, mut scripts) = (0, Vec::new());
    let (_, headers, index) = page.ask("/", &[]).await;
    let index = String::from_utf8(index).expect("text");
    assert_eq!(headers[header::CONTENT_TYPE], "text/html; charset=utf-8");
    assert!(index.contains("<a href=\"/m\">Metrics</a>") && !index.contains("{{"), "{index}");
    // What the policy would refuse.
    assert!(!index.contains("style=") && !index.contains("onclick") && !index.contains("<style"), "{index}");
    for (path, _, text) in files::FILES {
        bytes += text.len();
        let path = format!("/-/page/{path}");
        let (status, headers, body) = page.ask(&path, &[]).await;
        assert_eq!((status, body.as_slice()), (StatusCode::OK, text.as_bytes()), "{path}");
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().expect("text");
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        let tag = headers[header::ETAG].to_str().expect("text");
        let (status, headers, body) = page.ask(&path, &[("If-None-Match", &format!("\"x\", {tag}"))]).await;
        assert_eq!((status, body.len()), (StatusCode::NOT_MODIFIED, 0), "{path}");
        assert_eq!(headers[header::ETAG], *tag);
        let (_, headers, body) = page.ask(&path, &[("Accept-Encoding", "gzip"), ("If-None-Match", "\"x\"")]).await;
        assert_eq!(headers[header::CONTENT_ENCODING], "gzip", "{path}");
        assert!(body.len() < text.len(), "{path}");
        scripts.push(text);
    }
    assert!(bytes + index.len() < 64 << 10, "{bytes} bytes");
    // Nothing comes from elsewhere, and no text becomes markup.
    for text in scripts.iter().copied().chain([index.as_str()]) {
        for forbidden in
            ["https://", "http://", "innerHTML", "outerHTML", "insertAdjacentHTML", "eval(", "document.write"]
        {
            let text = text.replace("http://www.w3.org/2000/svg", "");
            assert!(!text.contains(forbidden), "`{forbidden}` in {text}");
        }
    }
}

#[tokio::test]
async fn the_state_has_rows_and_columns() {
    let page = Page::start();
    let (status, state) = page.json("/-/page/state").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(state["taken"], 1.5);
    assert_eq!(state["events"], false);
    let columns: Vec<_> = state["columns"].as_array().expect("a list").iter().map(|column| &column["name"]).collect();
    assert_eq!(columns.len(), 11);
    let place = |name: &str| 1 + columns.iter().position(|column| *column == name).expect("it is there");
    let [host, own] = [0, 1].map(|row| &state["rows"][row]);
    assert_eq!((&host["name"], &host["scope"]), (&json!("host"), &json!("host")));
    for (name, count) in [("exec", 3), ("exit", 3), ("failed", 1), ("fork", 0), ("syscall", 10)] {
        assert_eq!(own["counts"][place(name)], count, "{name}");
    }
    // All events: no system calls, and nothing twice because it was lost.
    assert_eq!(own["counts"][0], 6);
    let expected = [
        ("key", json!(format!("\u{1f}\u{1f}{NAME}\u{1f}{ID}"))),
        ("name", json!(NAME)),
        ("id", json!(ID)),
        ("image", json!("shop/web:1.4")),
        ("runtime", json!("docker")),
        ("started", json!(100)),
        ("running", json!(true)),
    ];
    for (field, value) in expected {
        assert_eq!(own[field], value, "{field}");
    }
    let flows: Vec<_> = own["calls"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|flow| {
            let number = |at: usize| usize::try_from(flow[at].as_u64().expect("a number")).expect("a small one");
            format!("{} {} {}", state["classes"][number(0)], state["errors"][number(1)], flow[2])
        })
        .collect();
    let class = |call| probes::syscall::class_and_group(call).0;
    let expected = [
        format!("\"{}\" \"OK\" 5", class("openat")),
        format!("\"{}\" \"ENOENT\" 4", class("openat")),
        format!("\"{}\" \"OK\" 1", class("getpid")),
    ];
    assert!(expected.iter().all(|flow| flows.contains(flow)) && flows.len() == 3, "{flows:?}");
}

#[tokio::test]
async fn one_encoding_is_for_all() {
    let page = Page::start();
    let answers = [page.ask("/-/page/state", &[]).await.2, page.ask("/-/page/state", &[]).await.2];
    assert_eq!(answers[0], answers[1]);
    assert_eq!(*page.fake.encodings.lock().expect("not poisoned"), 1);
    let next = Snapshot { taken: Duration::from_secs(2), ..snapshot() };
    *page.fake.snapshot.lock().expect("not poisoned") = Some(Arc::new(next));
    assert_eq!(page.json("/-/page/state").await.1["taken"], 2.0);
    assert_eq!(*page.fake.encodings.lock().expect("not poisoned"), 2);
    *page.fake.snapshot.lock().expect("not poisoned") = None;
    let (status, problem) = page.json("/-/page/state").await;
    assert_eq!((status, &problem["detail"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("the maps were not read yet")));
}

#[tokio::test]
async fn all_counts_of_a_row() {
    let page = Page::start();
    let key = format!("%1f%1f%3Cimg%20src%3Dx%20onerror%3Dalert%281%29%3E%1f{ID}");
    let (status, counts) = page.json(&format!("/-/page/counts?key={key}")).await;
    assert_eq!(status, StatusCode::OK);
    let families = counts["families"].as_array().expect("a list");
    let rows = |name: &str| &families.iter().find(|family| family["name"] == name).expect("it is there")["rows"];
    assert_eq!(*rows("doubleslit_process_execs"), json!([[[], 3]]));
    assert_eq!(*rows("doubleslit_process_exits"), json!([[["success"], 2], [["failure"], 1]]));
    assert_eq!(*rows("doubleslit_process_forks"), json!([]));
    assert_eq!(page.json("/-/page/counts?key=x").await.0, StatusCode::NOT_FOUND);
    assert_eq!(page.json("/-/page/counts").await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn events_are_refused_where_they_are_not_shown() {
    let (status, problem) = Page::start().json("/-/page/events").await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("web.live_events: always")), "{problem}");
}
