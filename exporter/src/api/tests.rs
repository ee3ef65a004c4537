mod description;
mod paths;
mod reload;
mod streams;

use axum::{
    body::Body,
    http::{Request, Response},
};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::*;
use crate::{
    events::{event::Event, fake, outlet::Outlet as _},
    identity::{
        CgroupId, Identity, Scope,
        registry::{Known, Watcher as _},
    },
    traces::{Kernel, Key, Phase, Switch, Wanted},
    web::Servers,
};

/// Streams that may be open at once.
const STREAMS_MAX: usize = 64;

/// A kernel that sends everything but ends of processes.
#[derive(Debug)]
struct Obedient;

impl Switch<Key> for Obedient {
    fn on(&mut self, _: Key) -> Result<(), String> {
        Ok(())
    }

    fn off(&mut self, _: Key) {}
}

impl Kernel for Obedient {
    fn lost(&self, _: Key) -> u64 {
        0
    }
}

impl Switch<Wanted> for Obedient {
    fn on(&mut self, wanted: Wanted) -> Result<(), String> {
        if wanted.kind.name() == "exit" { Err("this kernel has no ends".to_owned()) } else { Ok(()) }
    }

    fn off(&mut self, _: Wanted) {}
}

/// The API of an exporter without a kernel.
struct Api {
    traces: Traces,
    router: Router,
    servers: Servers,
}

impl Api {
    fn start() -> Self {
        let (traces, worker) = Traces::new(Obedient, (), crate::identity::ignore::Ignore::default());
        worker.start(Obedient).expect("a thread can be started");
        let servers = Servers::default();
        let (reloads, mut asked) = Reloads::new();
        tokio::spawn(async move {
            while let Some(reply) = asked.recv().await {
                let _ = reply.send(Ok(Vec::new()));
            }
        });
        Self { router: router(traces.clone(), reloads, servers.stopping(), STREAMS_MAX), traces, servers }
    }

    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Response<Body> {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_owned())).expect("a request");
        self.router.clone().oneshot(request).await.expect("it always answers")
    }

    /// Status and body of an answer, which is JSON or empty.
    async fn json(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let answer = self.ask(method, path, &[], body).await;
        let status = answer.status().as_u16();
        let kind = answer.headers().get(header::CONTENT_TYPE).cloned();
        let body = answer.into_body().collect().await.expect("a body").to_bytes();
        if body.is_empty() {
            return (status, Value::Null);
        }
        let expected = if status < 400 { "application/json" } else { "application/problem+json" };
        assert_eq!(kind.expect("a type"), expected, "{status}");
        (status, serde_json::from_slice(&body).expect("JSON"))
    }

    /// Waits until a trace runs or has failed.
    async fn begun(&self, name: &str) -> Phase {
        loop {
            match self.traces.get(name).expect("it is there").status.phase {
                Phase::Pending => tokio::task::yield_now().await,
                phase => return phase,
            }
        }
    }

    /// Has a container run in a cgroup.
    fn know(&self, cgroup: u64, identity: &Arc<Identity>) {
        let identity = Arc::clone(identity);
        let known =
            Known { path: format!("/{cgroup}").into(), identity, is_settled: true, is_removed: false, users: None };
        self.traces.inlet().changed(CgroupId(cgroup), Some(&known));
    }

    /// Has a number of executions happen there at once.
    fn happen(&self, cgroup: u64, identity: &Arc<Identity>, count: usize) {
        let event = Event { cgroup: CgroupId(cgroup), identity: Arc::clone(identity), ..fake::exec() };
        self.traces.inlet().publish(vec![event; count]);
    }
}

/// A container of a pod.
fn container(namespace: &str, pod: &str, name: &str) -> Arc<Identity> {
    Arc::new(Identity {
        scope: Scope::Container,
        namespace: namespace.to_owned(),
        pod: pod.to_owned(),
        container: name.to_owned(),
        container_id: format!("id-of-{name}"),
        ..Identity::default()
    })
}

/// The value of a header.
fn told(answer: &Response<Body>, header: header::HeaderName) -> &str {
    answer.headers()[header].to_str().expect("text")
}

fn problem(status: u16, title: &str, detail: &str, field: Option<&str>) -> Value {
    let mut problem = json!({ "type": "about:blank", "title": title, "status": status, "detail": detail });
    if let Some(field) = field {
        problem["field"] = json!(field);
    }
    problem
}

#[tokio::test]
async fn a_trace_from_its_creation_to_its_end() {
    let api = Api::start();
    assert_eq!(api.json("GET", TRACES, "").await, (200, json!({ "running": [], "completed": [] })));
    let answer = api.ask("POST", TRACES, &[], r#"{"name": "a", "spec": {"events": ["exec"], "sampleRate": 2}}"#).await;
    assert_eq!((answer.status(), told(&answer, header::LOCATION)), (StatusCode::CREATED, "/api/v1/traces/a"));
    let body = answer.into_body().collect().await.expect("a body").to_bytes();
    let created: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(created["name"], "a");
    assert_eq!(created["spec"], json!({ "events": ["exec"], "sampleRate": 2 }));

    assert_eq!(api.begun("a").await, Phase::Running);
    let (status, shown) = api.json("GET", "/api/v1/traces/a", "").await;
    assert_eq!((status, &shown["status"]["phase"]), (200, &json!("Running")));
    let (_, list) = api.json("GET", TRACES, "").await;
    assert_eq!((&list["running"][0]["name"], &list["completed"]), (&json!("a"), &json!([])));

    assert_eq!(api.json("DELETE", "/api/v1/traces/a", "").await, (204, Value::Null));
    let gone = problem(404, "Not Found", "no trace `a`", None);
    for (method, path) in
        [("GET", "/api/v1/traces/a"), ("DELETE", "/api/v1/traces/a"), ("GET", "/api/v1/traces/a/events")]
    {
        assert_eq!(api.json(method, path, "").await, (404, gone.clone()), "{method} {path}");
    }
}

#[tokio::test]
async fn names_are_drawn_and_never_taken_twice() {
    let api = Api::start();
    let unnamed = r#"{"spec": {"events": ["exec"]}}"#;
    let (first, second) = (api.json("POST", TRACES, unnamed).await, api.json("POST", TRACES, unnamed).await);
    assert_eq!((first.0, second.0), (201, 201));
    let name = first.1["name"].as_str().expect("a name");
    assert!(name.starts_with("trace-") && second.1["name"] != name, "{name}");
    let again = format!(r#"{{"name": "{name}", "spec": {{"events": ["exec"]}}}}"#);
    let detail = format!("duplicate trace `{name}`: delete it first, or choose another name");
    assert_eq!(api.json("POST", TRACES, &again).await, (409, problem(409, "Conflict", &detail, Some("name"))));
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_its_field() {
    let api = Api::start();
    let expected = "expected an object such as `{\"name\": \"execs\", \"spec\": {\"events\": [\"exec\"]}}`";
    for (body, field, detail) in [
        ("", None, format!("the body is no JSON: EOF while parsing a value at line 1 column 0: {expected}")),
        ("[]", None, format!("the body is no object: {expected}")),
        ("{}", Some("spec"), format!("there is no `spec`: {expected}")),
        (r#"{"id": 1}"#, Some("id"), "unknown field `id`: expected one of `name`, `spec`".to_owned()),
        (r#"{"name": 1}"#, Some("name"), "invalid `name`: `1`: expected a text".to_owned()),
        (
            r#"{"name": "a/b", "spec": {"events": ["exec"]}}"#,
            Some("name"),
            "invalid `name`: `a/b`: expected letters, digits and `-_.`, at most 253 of them".to_owned(),
        ),
        (
            r#"{"spec": {"events": []}}"#,
            Some("spec.events"),
            "invalid `spec.events`: `[]`: expected at least one kind of event; or `syscalls` or `tracepoints`".to_owned(),
        ),
        (
            r#"{"spec": {"events": ["exec"], "sampleRate": 0}}"#,
            Some("spec.sampleRate"),
            "invalid `spec.sampleRate`: `0`: expected a number from `1` to `4294967295`".to_owned(),
        ),
        (
            r#"{"spec": {"events": ["exec"], "labelSelector": {"matchExpressions": [{"key": "a", "operator": "In"}]}}}"#,
            Some("spec.labelSelector.matchExpressions[0].values"),
            "invalid `spec.labelSelector.matchExpressions[0].values`: `[]`: expected at least one value with `In` and `NotIn`"
                .to_owned(),
        ),
    ] {
        let expected = problem(400, "Bad Request", &detail, field);
        assert_eq!(api.json("POST", TRACES, body).await, (400, expected), "{body}");
    }
    for (body, field) in [
        (r#"{"spec": {"events": ["exec", "exek"]}}"#, "spec.events[1]"),
        (r#"{"spec": {"events": "exec"}}"#, "spec.events"),
        (r#"{"spec": {"events": ["exec"], "tail": true}}"#, "spec.tail"),
        (r#"{"spec": {"events": ["exec"], "select": ["comm=a", "x=1"]}}"#, "spec.select[1]"),
        (r#"{"spec": 7}"#, "spec"),
    ] {
        let (status, problem) = api.json("POST", TRACES, body).await;
        assert_eq!((status, &problem["field"]), (400, &json!(field)), "{body}: {problem}");
    }
    assert_eq!(api.traces.list(), crate::traces::List::default());
}

#[tokio::test]
async fn a_body_has_a_limit() {
    let api = Api::start();
    let body = |bytes: usize| {
        let rest = r#"{"spec": {"events": ["exec"], "cgroup": "/"}}"#;
        format!("{rest}{}", " ".repeat(bytes - rest.len()))
    };
    assert_eq!(api.json("POST", TRACES, &body(traces::BODY_BYTES)).await.0, 201);
    let large = problem(413, "Payload Too Large", "the body is larger than 65536 bytes", None);
    assert_eq!(api.json("POST", TRACES, &body(traces::BODY_BYTES + 1)).await, (413, large));
}

#[tokio::test]
async fn what_there_is_not_is_told() {
    let api = Api::start();
    for path in ["/", "/api/v1", "/api/v1/traces/", "/api/v1/traces/a/b", "/api/v1/events/a/b/c/d/e", "/metrics"] {
        let detail = format!("there is no `{path}`; `/api/v1/openapi.json` describes what there is");
        assert_eq!(api.json("GET", path, "").await, (404, problem(404, "Not Found", &detail, None)));
    }
    for (method, path, allow) in [
        ("PUT", TRACES, "GET,HEAD,POST"),
        ("POST", "/api/v1/traces/a", "GET,HEAD,DELETE"),
        ("POST", "/api/v1/events", "GET,HEAD"),
    ] {
        let answer = api.ask(method, path, &[], "").await;
        assert_eq!((answer.status().as_u16(), told(&answer, header::ALLOW)), (405, allow), "{method} {path}");
        let detail = format!("`{path}` does not take `{method}`; the header `Allow` says what it takes");
        assert_eq!(api.json(method, path, "").await.1, problem(405, "Method Not Allowed", &detail, None));
    }
}

#[tokio::test]
async fn a_token_is_asked_for() {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::io::Write::write_all(&mut file, b"0123456789abcdef\n").expect("written");
    let mut api = Api::start();
    api.router = guarded(api.router, Token::read(file.path()).expect("a token"));
    for path in [TRACES, "/api/v1/openapi.json", "/api/v1/events", "/nothing"] {
        for headers in [&[][..], &[("Authorization", "Bearer 0123456789abcdeg")]] {
            let answer = api.ask("GET", path, headers, "").await;
            assert_eq!((answer.status().as_u16(), told(&answer, header::WWW_AUTHENTICATE)), (401, "Bearer"), "{path}");
        }
    }
    let (_, problem) = api.json("GET", TRACES, "").await;
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("api.token_file")), "{problem}");
    let shown = [("Authorization", "Bearer 0123456789abcdef")];
    assert_eq!(api.ask("GET", TRACES, &shown, "").await.status(), StatusCode::OK);
}
