use super::*;
use crate::identity::{Identity, failures::Source};

const ID: &str = "60ef7fa3a8aa4cfaa2e7bc08373689c3978ada30d39fee37cf78c89f7011ffc8";

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn sample() -> Vec<Present> {
    let docker = Present {
        identity: Identity {
            runtime: Some(Runtime::Docker),
            container_id: ID.to_owned(),
            container: "web-1".to_owned(),
            image: "nginx:1".to_owned(),
            ..Identity::default()
        },
        cgroup: format!("/docker/{ID}"),
        started: Some(at(1_000_000_000)),
        processes: 3,
        told: [
            ("container", Origin::Source(Source::Docker)),
            ("container_id", Origin::Path),
            ("image", Origin::Source(Source::Docker)),
        ]
        .into(),
    };
    let lxc = Present {
        identity: Identity {
            runtime: Some(Runtime::Lxc),
            container_id: "a-machine-with-a-name".to_owned(),
            ..Identity::default()
        },
        cgroup: "/lxc.payload.a-machine-with-a-name".to_owned(),
        started: None,
        processes: 12,
        told: BTreeMap::new(),
    };
    vec![docker, lxc]
}

fn lines(form: Form) -> String {
    text(&sample(), form, at(1_000_000_125))
}

#[test]
fn a_line_for_each_container() {
    assert_eq!(
        lines(Form { whole_ids: false, sources: false }),
        "CONTAINER ID            IMAGE     RUNTIME   STARTED         PROCESSES   NAMESPACE   POD   NAME    CGROUP\n\
         60ef7fa3a8aa            nginx:1   docker    2 minutes ago   3                             web-1   /docker/60ef7fa3a8aa…\n\
         a-machine-with-a-name             lxc                       12                                    /lxc.payload.a-machine-with-a-name\n"
    );
}

#[test]
fn whole_ids_and_sources() {
    let text = lines(Form { whole_ids: true, sources: true });
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[0].ends_with("   SOURCES"), "{text}");
    assert!(lines[1].starts_with(ID), "{text}");
    let expected = format!("   /docker/{ID}   docker=container,image path=container_id");
    assert!(lines[1].ends_with(&expected), "{text}");
    assert_eq!(lines.len(), 3);
}

#[test]
fn objects_for_programs() {
    let [docker, lxc] = &sample()[..] else { panic!("two") };
    assert_eq!(
        serde_json::to_value(Row::of(docker)).expect("JSON"),
        serde_json::json!({
            "container_id": ID,
            "container": "web-1",
            "runtime": "docker",
            "image": "nginx:1",
            "image_id": null,
            "pod": null,
            "pod_uid": null,
            "namespace": null,
            "cgroup": format!("/docker/{ID}"),
            "started": "2001-09-09T01:46:40.000Z",
            "processes": 3,
            "sources": { "container": "docker", "container_id": "path", "image": "docker" },
        })
    );
    assert_eq!(serde_json::to_value(Row::of(lxc)).expect("JSON")["started"], serde_json::Value::Null);
}

#[test]
fn ages() {
    for (seconds, expected) in [
        (0, "just now"),
        (1, "1 second ago"),
        (2, "2 seconds ago"),
        (119, "119 seconds ago"),
        (120, "2 minutes ago"),
        (7_199, "119 minutes ago"),
        (7_200, "2 hours ago"),
        (172_800, "2 days ago"),
        (3 * 604_800, "3 weeks ago"),
    ] {
        assert_eq!(age(at(1_000), at(1_000 + seconds)), expected);
    }
    assert_eq!(age(at(1_000), at(1)), "just now", "a clock that was set back");
}

#[test]
fn times_that_cannot_be_written() {
    assert_eq!(rfc3339(at(0)).as_deref(), Some("1970-01-01T00:00:00.000Z"));
    assert_eq!(rfc3339(at(253_402_300_799)).as_deref(), Some("9999-12-31T23:59:59.000Z"));
    for time in [at(253_402_300_800), SystemTime::UNIX_EPOCH - Duration::from_secs(1)] {
        assert_eq!(rfc3339(time), None);
    }
}
