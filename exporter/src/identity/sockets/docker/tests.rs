mod fake;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use doubleslit_testbed::wait;
use tokio::sync::Semaphore;

use super::*;
use crate::identity::{
    Scope,
    facts::Facts,
    failures::Reason,
    source::{Source as _, Trouble},
};
use fake::{Fake, Reply};

const WEB: &str = "60ef7fa3a8aa4cfaa2e7bc08373689c3978ada30d39fee37cf78c89f7011ffc8";
const POD: &str = "673a05c5ab1baf36958d0e05744813febed17d85d8127897440c0459b5a5c079";

fn listed(id: &str, name: &str, labels: &[(&str, &str)]) -> String {
    let labels: std::collections::BTreeMap<_, _> = labels.iter().copied().collect();
    serde_json::json!([{
        "Id": id, "Names": ["/other/alias", format!("/{name}")], "Image": "shop:1", "ImageID": "sha256:9689", "Labels": labels,
    }])
    .to_string()
}

fn inspected(running: bool, exit_code: i32, oom_killed: bool) -> String {
    serde_json::json!({ "State": {
        "Running": running, "ExitCode": exit_code, "OOMKilled": oom_killed, "StartedAt": "2026-11-20T19:22:45.5Z",
    }})
    .to_string()
}

/// A script of an engine with one container that runs.
fn one(name: &'static str) -> impl Fn(&str) -> Option<Reply> + Send + Sync {
    move |path| match path {
        _ if path.starts_with("/containers/json") => Some(Reply::Json(listed(WEB, name, &[("team", "core")]))),
        _ if path.starts_with("/containers/60ef") => Some(Reply::Json(inspected(true, 0, false))),
        _ => None,
    }
}

fn reason(told: Result<Option<Facts>, Trouble>) -> Reason {
    told.expect_err("trouble").reason
}

#[test]
fn tells_of_what_runs() {
    let fake = Fake::new(one("web-1"));
    let facts = fake.until(WEB, "a start", |facts| facts.started.is_some().then_some(facts));
    assert_eq!(
        facts,
        Facts {
            scope: Some(Scope::Container),
            runtime: Some(Runtime::Docker),
            container_id: WEB.to_owned(),
            container: "web-1".to_owned(),
            image: "shop:1".to_owned(),
            image_id: "sha256:9689".to_owned(),
            container_labels: [("team".to_owned(), "core".to_owned())].into(),
            started: humantime::parse_rfc3339("2026-11-20T19:22:45.5Z").ok(),
            ..Facts::default()
        }
    );
    assert_eq!(Reason::ALL.map(|reason| fake.failed(reason)), [0; 4]);
}

#[test]
fn asks_for_what_it_has_not_heard_of() {
    let mut fake = Fake::new(|_: &str| None).up();
    fake.says(one("web-1"));
    assert_eq!(reason(fake.tell(WEB)), Reason::Missing);
    assert_eq!(fake.news(), [WEB]);
    assert_eq!(fake.tell(WEB).ok().flatten().map(|facts| facts.container).as_deref(), Some("web-1"));
}

#[test]
fn says_when_a_container_is_none_of_its_own() {
    let mut fake = Fake::new(|_: &str| None).up();
    assert_eq!(reason(fake.tell(WEB)), Reason::Missing);
    assert_eq!(fake.news(), [WEB]);
    assert_eq!(fake.tell(WEB).ok(), Some(None));
    assert_eq!(Reason::ALL.map(|reason| fake.failed(reason)), [0; 4]);
}

#[test]
fn asks_for_nothing_that_cannot_be_an_id_or_is_of_others() {
    let fake = Fake::new(|_: &str| None).up();
    for (runtime, id) in [
        (Some(Runtime::Docker), "../../../images"),
        (Some(Runtime::Docker), ""),
        (Some(Runtime::CriO), WEB),
        (Some(Runtime::Lxc), WEB),
        (None, ""),
    ] {
        assert_eq!(
            fake.source.tell(&Wanted { runtime, id, cgroup: "/x", since: std::time::Instant::now() }).ok(),
            Some(None),
            "{id}"
        );
    }
}

#[test]
fn podman_says_that_it_is_podman() {
    let fake = Fake::new(|path: &str| match path {
        "/version" => Some(Reply::Json(r#"{"Components":[{"Name":"Podman Engine"},{"Name":"Conmon"}]}"#.to_owned())),
        _ => one("web-1")(path),
    });
    assert_eq!(fake.until(WEB, "a runtime", |facts| facts.runtime), Runtime::Podman);
}

#[test]
fn follows_a_container_through_its_life() {
    let mut fake = Fake::new(|_: &str| None).up();
    fake.says(one("web-1"));
    fake.event(WEB, "create", &[]);
    fake.until(WEB, "a name", |facts| (facts.container == "web-1").then_some(()));
    fake.until(WEB, "a start", |facts| facts.started);
    while !fake.source.news().is_empty() {}

    fake.tell(WEB).expect("facts");
    fake.says(one("web-2"));
    fake.event(WEB, "rename", &[("name", "web-2")]);
    wait::until("news", || fake.source.news().contains(&WEB.to_owned()).then_some(()));
    assert_eq!(fake.tell(WEB).ok().flatten().map(|facts| facts.container).as_deref(), Some("web-2"));

    fake.says(|path: &str| match path {
        _ if path.starts_with("/containers/60ef") => Some(Reply::Json(inspected(false, 137, true))),
        _ => None,
    });
    fake.event(WEB, "oom", &[]);
    fake.event(WEB, "die", &[("exitCode", "137")]);
    let end = fake.until(WEB, "an end", |facts| facts.end);
    assert_eq!(end, End { exit_code: 137, oom_killed: true });

    fake.says(one("web-2"));
    fake.event(WEB, "start", &[]);
    fake.until(WEB, "a second start", |facts| facts.end.is_none().then_some(facts.started?));
}

#[test]
fn knows_how_a_container_ended_that_was_removed_at_once() {
    let fake = Fake::new(one("web-1")).up();
    fake.until(WEB, "a start", |facts| facts.started);
    fake.says(|_: &str| None);
    fake.event(WEB, "oom", &[]);
    fake.event(WEB, "die", &[("exitCode", "137")]);
    fake.event(WEB, "remove", &[]);
    fake.event(POD, "create", &[]);
    let facts = fake.until(WEB, "an end", |facts| facts.end.is_some().then_some(facts));
    assert_eq!(facts.end, Some(End { exit_code: 137, oom_killed: true }));
    assert_eq!(facts.container, "web-1");
}

#[test]
fn an_answer_from_before_an_end_does_not_hide_it() {
    let fake = Fake::new(one("web-1")).up();
    fake.until(WEB, "a start", |facts| facts.started);

    // Its second start is inspected, and the answer takes its time.
    let (gate, asked) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicBool::new(false)));
    let (slow, inspected_now) = (Arc::clone(&gate), Arc::clone(&asked));
    fake.says(move |path: &str| match path {
        _ if path.starts_with("/containers/60ef") => {
            inspected_now.store(true, Ordering::Relaxed);
            Some(Reply::After(Arc::clone(&slow), inspected(true, 0, false)))
        }
        _ => one("web-1")(path),
    });
    fake.event(WEB, "start", &[]);
    wait::until("the inspection", || asked.load(Ordering::Relaxed).then_some(()));

    // Meanwhile it ends and is removed.
    fake.says(|path: &str| if path.starts_with("/containers/json") { one("web-2")(path) } else { None });
    fake.event(WEB, "die", &[("exitCode", "3")]);
    fake.until(WEB, "an end", |facts| facts.end);
    gate.add_permits(1);
    wait::until("the answer", || (gate.available_permits() == 0).then_some(()));
    fake.event(WEB, "rename", &[]);
    let facts = fake.until(WEB, "the rename", |facts| (facts.container == "web-2").then_some(facts));
    assert_eq!((facts.started, facts.end), (None, Some(End { exit_code: 3, oom_killed: false })));
}

#[test]
fn a_pods_container_has_the_labels_of_its_sandbox() {
    let kubelet = |kind, name| {
        [
            ("io.kubernetes.docker.type", kind),
            ("io.kubernetes.pod.name", "web-0"),
            ("io.kubernetes.pod.namespace", "shop"),
            ("io.kubernetes.pod.uid", "u"),
            ("io.kubernetes.container.name", name),
            ("io.kubernetes.sandbox.id", POD),
        ]
    };
    let fake = Fake::new(move |path: &str| {
        let sandbox = listed(POD, "k8s_POD", &[&kubelet("podsandbox", "POD")[..], &[("app", "web")]].concat());
        let main = listed(WEB, "k8s_main", &kubelet("container", "main"));
        path.starts_with("/containers/json")
            .then(|| Reply::Json(format!("[{},{}]", main.trim_matches(['[', ']']), sandbox.trim_matches(['[', ']']))))
    });
    let main = fake.until(WEB, "a container", Some);
    let pod = |facts: &Facts| [&facts.pod, &facts.namespace, &facts.pod_uid].map(String::clone);
    assert_eq!((main.scope, main.container.as_str()), (Some(Scope::Container), "main"));
    assert_eq!(pod(&main), ["web-0", "shop", "u"]);
    assert_eq!(main.pod_labels, [("app".to_owned(), "web".to_owned())].into());
    let sandbox = fake.until(POD, "a sandbox", Some);
    assert_eq!((sandbox.scope, sandbox.container.as_str()), (Some(Scope::Pod), ""));
    assert_eq!(pod(&sandbox), ["web-0", "shop", "u"]);
}

/// The engine answers the list so: the source is down, says why, and recovers.
fn recovers_from(bad: Reply, reason: Reason) {
    for at in ["/events", "/version", "/containers/json"] {
        let reply = bad.clone();
        let fake = Fake::new(move |path: &str| path.starts_with(at).then(|| reply.clone()));
        wait::until("a failure", || (fake.failed(reason) > 0).then_some(()));
        assert_eq!(fake.source.is_up(), Some(false), "{at}");
        assert_eq!(
            Reason::ALL.iter().filter(|other| **other != reason).map(|other| fake.failed(*other)).sum::<u64>(),
            0
        );
        fake.says(one("web-1"));
        let fake = fake.up();
        fake.until(WEB, "a name", |facts| (facts.container == "web-1").then_some(()));
    }
}

#[test]
fn recovers_from_an_engine_that_never_answers() {
    recovers_from(Reply::Hangs(Vec::new()), Reason::Unreachable);
}

#[test]
fn recovers_from_half_an_answer() {
    recovers_from(Reply::Hangs(b"HTTP/1.1 200 OK\r\nContent-".to_vec()), Reason::Unreachable);
}

#[test]
fn recovers_from_an_answer_that_breaks_off() {
    recovers_from(Reply::Closes(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[".to_vec()), Reason::Unreachable);
}

#[test]
fn recovers_from_what_is_no_http() {
    recovers_from(Reply::Closes(b"SSH-2.0-OpenSSH_9.2\r\n\r\n".to_vec()), Reason::Unreachable);
}

#[test]
fn recovers_from_what_is_no_json() {
    recovers_from(Reply::Closes(b"HTTP/1.1 200 OK\r\n\r\n<html>\n".to_vec()), Reason::Malformed);
}

#[test]
fn recovers_from_an_error() {
    recovers_from(Reply::Status("500 Internal Server Error"), Reason::Malformed);
}

#[test]
fn recovers_from_a_closed_connection() {
    recovers_from(Reply::Closes(Vec::new()), Reason::Unreachable);
}

#[test]
fn recovers_from_a_huge_answer() {
    let mut huge = b"HTTP/1.1 200 OK\r\n\r\n\"".to_vec();
    huge.resize(5 << 20, b'a');
    recovers_from(Reply::Closes(huge), Reason::Malformed);
}

#[test]
fn recovers_from_a_huge_head() {
    let mut huge = b"HTTP/1.1 200 OK\r\nX: ".to_vec();
    huge.resize(1 << 20, b'a');
    recovers_from(Reply::Hangs(huge), Reason::Unreachable);
}

#[test]
fn connects_again_when_the_stream_ends_or_is_garbage() {
    let long = "a".repeat(3 << 20);
    for (line, reason) in
        [("END", Reason::Unreachable), ("{", Reason::Malformed), ("[]", Reason::Malformed), (&*long, Reason::Malformed)]
    {
        let fake = Fake::new(|_: &str| None).up();
        fake.says(one("web-1"));
        fake.line(line);
        wait::until("a failure", || (fake.failed(reason) == 1).then_some(()));
        fake.until(WEB, "a name", |facts| (facts.container == "web-1").then_some(()));
        fake.up();
    }
}

#[test]
fn events_of_no_use_change_nothing() {
    let fake = Fake::new(one("web-1")).up();
    let before = fake.until(WEB, "a start", |facts| facts.started.is_some().then_some(facts));
    for line in [
        "",
        "{}",
        r#"{"Action":null,"Actor":null}"#,
        r#"{"Action":"die","Actor":{"ID":null,"Attributes":null}}"#,
        r#"{"Action":"die","Actor":{"ID":"../x","Attributes":{"exitCode":"1"}}}"#,
    ] {
        fake.line(line);
    }
    fake.event(WEB, "exec_create: sh -c true", &[]);
    fake.event(WEB, "health_status: healthy", &[]);
    fake.says(one("web-2"));
    fake.event(WEB, "rename", &[]);
    let after = fake.until(WEB, "the rename", |facts| (facts.container == "web-2").then_some(facts));
    assert_eq!(after, Facts { container: "web-2".to_owned(), ..before });
    assert_eq!(Reason::ALL.map(|reason| fake.failed(reason)), [0; 4]);
}

#[test]
fn waits_for_an_engine_that_is_not_there() {
    let fake = Fake::absent();
    wait::until("a failure", || (fake.failed(Reason::Unreachable) > 0).then_some(()));
    assert_eq!(fake.source.is_up(), Some(false));
    assert_eq!(reason(fake.tell(WEB)), Reason::Unreachable);
    fake.says(one("web-1"));
    fake.listen();
    let mut fake = fake.up();
    assert_eq!(fake.news(), [WEB]);
}

#[test]
fn ends_at_once_when_dropped() {
    let fake = Fake::new(one("web-1")).up();
    fake.says(|path: &str| path.starts_with("/containers/60ef").then(|| Reply::Hangs(Vec::new())));
    fake.event(WEB, "die", &[("exitCode", "0")]);
    fake.until(WEB, "an end", |facts| facts.end);
    fake.ends();
}

#[test]
fn an_engine_that_stops_answering_is_down() {
    let fake = Fake::new(one("web-1")).up();
    fake.until(WEB, "a start", |facts| facts.started);
    fake.says(|path: &str| path.starts_with("/containers/json").then(|| Reply::Hangs(Vec::new())));
    assert_eq!(reason(fake.tell(POD)), Reason::Missing);
    wait::until("the source is down", || (fake.source.is_up() == Some(false)).then_some(()));
    assert_eq!(reason(fake.tell(POD)), Reason::Unreachable);
    // What was heard is told further on.
    assert_eq!(fake.tell(WEB).ok().flatten().map(|facts| facts.container).as_deref(), Some("web-1"));
}

#[test]
fn an_inspection_that_hangs_takes_nothing_else_away() {
    let fake = Fake::new(|path: &str| match path {
        _ if path.starts_with("/containers/60ef") => Some(Reply::Hangs(Vec::new())),
        _ => one("web-1")(path),
    })
    .up();
    fake.until(WEB, "a name", |facts| (facts.container == "web-1").then_some(()));
    wait::until("a failure", || (fake.failed(Reason::Unreachable) == 1).then_some(()));
    assert_eq!(fake.source.is_up(), Some(true));
}
