//! Streams by path.

use super::{streams::Reader, *};
use crate::traces::List;

/// The sandbox of a pod.
fn sandbox(namespace: &str, pod: &str) -> Arc<Identity> {
    let (namespace, pod) = (namespace.to_owned(), pod.to_owned());
    Arc::new(Identity { scope: Scope::Pod, namespace, pod, ..Identity::default() })
}

/// How many events of three containers, of the host and of a pod's sandbox a stream of a path receives.
async fn received(path: &str) -> usize {
    let api = Api::start();
    let owners = [
        (1, container("shop", "cart-0", "web")),
        (2, container("shop", "cart-1", "web")),
        (3, container("", "", "web")),
        (4, Arc::default()),
        (5, sandbox("shop", "cart-1")),
    ];
    owners.iter().for_each(|(cgroup, owner)| api.know(*cgroup, owner));
    let reader = Reader::open(&api, path, "*/*").await;
    // A different number of each, so that a sum tells which they are.
    for ((cgroup, owner), count) in owners.iter().zip([1, 10, 100, 1000, 10000]) {
        api.happen(*cgroup, owner, count);
    }
    let List { running, .. } = api.traces.list();
    let [own] = &running[..] else { panic!("one trace for the stream: {running:?}") };
    assert!(own.name.starts_with("stream-"), "{}", own.name);
    api.traces.delete(&own.name).expect("it is there");
    reader.rest().await.lines().count()
}

#[tokio::test]
async fn a_path_receives_what_is_below_it() {
    for (path, expected) in [
        ("/api/v1/events/*/*/*/exec", 11111),
        ("/api/v1/events/shop/*/*/exec", 10011),
        ("/api/v1/events/shop/cart-0/*/exec", 1),
        ("/api/v1/events/shop/cart-1/*/exec", 10010),
        ("/api/v1/events/shop/cart-1/web/exec", 10),
        ("/api/v1/events/shop/cart-1/-/exec", 10000),
        ("/api/v1/events/*/cart-1/*/exec", 10010),
        ("/api/v1/events/*/*/web/exec", 111),
        ("/api/v1/events/*/cart-*/web/exec", 11),
        ("/api/v1/events/-/-/web/exec", 100),
        ("/api/v1/events/-/-/-/exec", 1000),
        ("/api/v1/events/store/*/*/exec", 0),
        ("/api/v1/events/shop/cart/*/exec", 0),
        ("/api/v1/events/shop/*/*/signal", 0),
    ] {
        assert_eq!(received(path).await, expected, "{path}");
    }
}

#[tokio::test]
async fn one_copy_however_many_traces_match() {
    let api = Api::start();
    let web = container("shop", "cart-0", "web");
    api.know(1, &web);
    for spec in [r#"{"spec": {"events": ["exec"]}}"#, r#"{"spec": {"namespace": "shop", "events": ["exec", "fork"]}}"#]
    {
        assert_eq!(api.json("POST", TRACES, spec).await.0, 201);
    }
    let reader = Reader::open(&api, "/api/v1/events/shop/*/*/exec", "*/*").await;
    api.happen(1, &web, 7);
    for trace in api.traces.list().running {
        api.traces.delete(&trace.name).expect("it is there");
    }
    assert_eq!(reader.rest().await.lines().count(), 7);
}

#[tokio::test]
async fn the_trace_of_a_stream_ends_with_it() {
    let api = Api::start();
    let reader = Reader::open(&api, "/api/v1/events/*/*/*/exec", "*/*").await;
    assert_eq!(api.traces.list().running.len(), 1);
    drop(reader);
    while !api.traces.list().running.is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_cannot_be_streamed_is_told() {
    let api = Api::start();
    for (path, field) in [
        ("/api/v1/events/a/b/c/exek", Some("event")),
        ("/api/v1/events/~(/b", None),
        ("/api/v1/events/a/b/c/container_start", Some("event")),
    ] {
        let (status, problem) = api.json("GET", path, "").await;
        assert_eq!((status, problem["field"].as_str()), (400, field), "{path}: {problem}");
    }
    // This kernel sends no ends.
    for path in ["/api/v1/events/*/*/*/exit", "/api/v1/events"] {
        let expected = problem(503, "Service Unavailable", "this kernel has no ends", None);
        assert_eq!(api.json("GET", path, "").await, (503, expected), "{path}");
    }
    assert_eq!(api.traces.list(), List::default());
}
