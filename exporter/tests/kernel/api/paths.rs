//! Streams by path.

use doubleslit_testbed::{
    api::{self, Stream},
    docker::LoadContainer,
    wait,
};
use serde_json::{Value, json};

use super::{assert_executions, execute, is_last};
use crate::harness::{docker, info, setup};

/// A container as a kubelet labels it.
fn of_pod(pod: &str, container: &str) -> LoadContainer<'static> {
    labelled("container", pod, container)
}

/// What a kubelet labels as the sandbox of a pod.
fn sandbox(pod: &str) -> LoadContainer<'static> {
    labelled("podsandbox", pod, "POD")
}

fn labelled(kind: &str, pod: &str, container: &str) -> LoadContainer<'static> {
    let labels = [
        ("docker.type", kind),
        ("container.name", container),
        ("pod.name", pod),
        ("pod.namespace", "shop"),
        ("pod.uid", "0a1b2c3d-0000-0000-0000-000000000000"),
    ];
    let labels: Vec<_> = labels.iter().map(|(name, value)| format!("--label=io.kubernetes.{name}={value}")).collect();
    let options: Vec<_> = labels.iter().map(String::as_str).collect();
    docker().load(&format!("{pod}.{container}"), &options)
}

/// Checks that events are executions in the sandbox of a pod, so many.
fn assert_of_sandbox(events: &[Value], pod: &str, count: usize) {
    assert_eq!(events.len(), count, "{events:?}");
    for event in events {
        let [kind, owner, container] = ["event", "k8s.pod.name", "container.id"].map(|field| &event[field]);
        assert_eq!((kind, owner, container), (&json!("exec"), &json!(pod), &Value::Null), "{event}");
    }
}

#[test]
#[ignore = "needs root and BTF"]
fn a_path_receives_what_is_below_it_once() {
    let mut containers = [of_pod("cart-0", "web"), of_pod("cart-1", "web"), of_pod("cart-1", "db")];
    let (mut alone, mut sandbox) = (docker().load("web", &[]), sandbox("cart-1"));
    let mut exporter = setup().start();
    for container in containers.iter().chain([&alone]) {
        drop(info(&mut exporter, &[("container_id", &container.id)]));
    }
    let socket = exporter.socket.as_path();
    // They match as well, and change nothing.
    api::trace(socket, "all", &json!({ "events": ["exec"] }));
    api::trace(socket, "shop", &json!({ "namespace": "shop", "events": ["exec"] }));

    // Which of the containers: those of the pods in their order, the one alone, and the sandbox of the second pod.
    let paths = [
        ("shop/*/*/exec", [true, true, true, false, true]),
        ("shop/cart-1/*/exec", [false, true, true, false, true]),
        ("*/cart-1/*/exec", [false, true, true, false, true]),
        ("shop/cart-1/-/exec", [false, false, false, false, true]),
        ("shop/cart-1/web/exec", [false, true, false, false, false]),
        ("shop/*/web/exec", [true, true, false, false, false]),
        ("*/*/web/exec", [true, true, false, true, false]),
        ("-/-/web/exec", [false, false, false, true, false]),
        ("shop/cart*/d%3F/exec", [false, false, true, false, false]),
    ];
    let mut streams = paths.map(|(path, _)| Stream::open(socket, &format!("/api/v1/events/{path}"), "*/*"));
    let mut others = ["store/*/*/exec", "shop/cart/*/exec", "shop/*/*/oom_kill"]
        .map(|path| Stream::open(socket, &format!("/api/v1/events/{path}"), "*/*"));

    let [first, second, third] = &mut containers;
    for (index, container) in [first, second, third, &mut alone, &mut sandbox].into_iter().enumerate() {
        let count = 3 + index;
        execute(container, count as u64);
        for (stream, (path, expected)) in streams.iter_mut().zip(paths) {
            if expected[index] {
                println!("{path} of {}", container.name);
                let events = stream.before(is_last);
                if container.name.ends_with(".POD") {
                    assert_of_sandbox(&events, "cart-1", count);
                } else {
                    assert_executions(&events, container, count);
                }
            }
        }
    }

    // Each stream was a trace, and ends with it.
    let (_, list) = api::ask(socket, "GET", "/api/v1/traces", "");
    let names = list["running"].as_array().expect("a list").iter().filter_map(|trace| trace["name"].as_str());
    let own: Vec<_> = names.filter(|name| name.starts_with("stream-")).collect();
    assert_eq!(own.len(), paths.len() + others.len(), "{list}");
    for name in own {
        assert_eq!(api::ask(socket, "DELETE", &format!("/api/v1/traces/{name}"), "").0, 204);
    }
    for (stream, (path, _)) in streams.into_iter().zip(paths) {
        assert_eq!(stream.rest(), Vec::<Value>::new(), "{path}");
    }
    for stream in &mut others {
        assert_eq!(stream.json(), None);
    }
}

#[test]
#[ignore = "needs root and BTF"]
fn the_last_part_may_be_a_call_or_a_tracepoint() {
    let mut containers = [of_pod("cart-0", "web"), of_pod("cart-1", "web"), of_pod("cart-1", "db")];
    let mut exporter = setup().start();
    for container in &containers {
        drop(info(&mut exporter, &[("container_id", &container.id)]));
    }
    let socket = exporter.socket.as_path();
    let paths = [
        ("shop/*/web/getppid", [true, true, false]),
        ("*/*/db/syscall:getpp*", [false, false, true]),
        ("shop/cart-1/*/syscalls:sys_enter_getppid", [false, true, true]),
    ];
    let mut streams = paths.map(|(path, _)| Stream::open(socket, &format!("/api/v1/events/{path}"), "*/*"));
    for (index, container) in containers.iter_mut().enumerate() {
        container.load.run(&format!("syscall {} 7", libc::SYS_getppid));
        for (stream, (path, expected)) in streams.iter_mut().zip(paths) {
            for _ in 0..if expected[index] { 7 } else { 0 } {
                let event = stream.json().expect("it goes on");
                assert_eq!(event["container.id"], json!(container.id), "{path}");
            }
        }
    }
    let (_, list) = api::ask(socket, "GET", "/api/v1/traces", "");
    for trace in list["running"].as_array().expect("a list") {
        let path = format!("/api/v1/traces/{}", trace["name"].as_str().expect("a name"));
        assert_eq!(api::ask(socket, "DELETE", &path, "").0, 204);
    }
    for (stream, (path, _)) in streams.into_iter().zip(paths) {
        assert_eq!(stream.rest(), Vec::<Value>::new(), "{path}");
    }
}

#[test]
#[ignore = "needs root and BTF"]
fn whole_branches_have_every_kind_and_nothing_stays_behind() {
    let mut container = docker().load("branch", &[]);
    let mut exporter = setup().start();
    drop(info(&mut exporter, &[("container_id", &container.id)]));
    let socket = exporter.socket.as_path();
    let mut streams = ["/api/v1/events", "/api/v1/events/*", "/api/v1/events/*/*", "/api/v1/events/*/*/branch"]
        .map(|path| Stream::open(socket, path, "*/*"));
    container.load.run("exec 1");
    container.load.run("signal 12 1");
    for stream in &mut streams {
        let mut kinds = Vec::new();
        while kinds.last().map(String::as_str) != Some("signal_deliver") {
            let event = stream.json().expect("it goes on");
            if event["container.id"] == json!(container.id) {
                kinds.push(event["event"].as_str().expect("a kind").to_owned());
            }
        }
        for kind in ["fork", "exec", "exit", "signal_generate", "signal_deliver"] {
            assert!(kinds.iter().any(|other| other == kind), "{kind}: {kinds:?}");
        }
    }
    drop(streams);
    wait::until("the traces of the streams are gone", || {
        let (_, list) = api::ask(socket, "GET", "/api/v1/traces", "");
        (list["running"] == json!([])).then_some(())
    });
}
