use std::{
    collections::BTreeMap,
    path::Path,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use prost::Message as _;

use super::super::{
    messages::{AnyValue, Attribute, LogRecord, Resource, Value},
    record::Recorder,
    resource::Describer,
};
use crate::{
    config::{self, otlp::Describes},
    events::event::{Details, Event, Exec},
    identity::{CgroupId, Identity},
};

fn event() -> Event {
    let labels = |labels: &[(&str, &str)]| labels.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    let identity = Identity {
        container_id: "abc".to_owned(),
        pod: "web-1".to_owned(),
        container_labels: labels(&[("team", "shop"), ("other", "x"), ("com.docker.compose.project", "p")]),
        pod_labels: labels(&[("team", "pods"), ("other", "y")]),
        ..Identity::default()
    };
    Event {
        time: UNIX_EPOCH + Duration::from_nanos(1_700_000_000_000_000_001),
        cgroup: CgroupId(7),
        cgroup_path: "/a".into(),
        identity: Arc::new(identity),
        users: None,
        weight: 3,
        listeners: 1,
        cpu: 0,
        process: None,
        details: Details::Exec(Exec {
            path: "/bin/true".to_owned(),
            arguments: Some(vec!["true".to_owned(), "a".to_owned()]),
            count: 2,
            ..Exec::default()
        }),
    }
}

/// The attributes as text.
fn attributes(attributes: Vec<Attribute>) -> BTreeMap<String, String> {
    fn shown(value: Option<AnyValue>) -> String {
        match value.and_then(|value| value.value).expect("a value") {
            Value::Text(text) => String::from_utf8(text.to_vec()).expect("text"),
            Value::Flag(flag) => flag.to_string(),
            Value::Number(number) => number.to_string(),
            Value::Decimal(number) => number.to_string(),
            Value::List(list) => format!("{:?}", list.values.into_iter().map(|it| shown(Some(it))).collect::<Vec<_>>()),
            Value::Pairs(pairs) => format!("{:?}", self::attributes(pairs.values)),
        }
    }
    let named = |it: Attribute| (String::from_utf8(it.key.to_vec()).expect("text"), shown(it.value));
    attributes.into_iter().map(named).collect()
}

/// The record of [`event`], its attributes, and those of its resource.
fn recorded(describes: Describes) -> (LogRecord, BTreeMap<String, String>, BTreeMap<String, String>) {
    let mut config = config::load(
        None,
        [("DOUBLESLIT_IDENTITY__EXTRA_LABELS".to_owned(), "team".to_owned())],
        &config::Flags::default(),
    )
    .expect("valid");
    config.otlp.identity = describes;
    let describer = Describer::new(Path::new("/"), &[("service.name".to_owned(), "here".to_owned())]);
    let observed = UNIX_EPOCH + Duration::from_nanos(5);
    let record = Recorder::new(&config, describer).record(&event(), observed);
    let resource = Resource::decode(record.resource).expect("a resource");
    let mut record = LogRecord::decode(record.body).expect("a record");
    let of_record = attributes(std::mem::take(&mut record.attributes));
    (record, of_record, attributes(resource.attributes))
}

fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

const OF_EVENT: [(&str, &str); 10] = [
    ("doubleslit.cgroup.path", "/a"),
    ("doubleslit.cgroup.id", "7"),
    ("doubleslit.cpu", "0"),
    ("doubleslit.weight", "3"),
    ("process.executable.path", "/bin/true"),
    ("process.executable.name", "true"),
    ("process.command", "true"),
    ("process.command_args", r#"["true", "a"]"#),
    ("process.args_count", "2"),
    ("doubleslit.process.command_args.truncated", "false"),
];
const OF_CONTAINER: [(&str, &str); 5] = [
    ("container.id", "abc"),
    ("k8s.pod.name", "web-1"),
    ("container.label.team", "shop"),
    ("container.label.com.docker.compose.project", "p"),
    ("k8s.pod.label.team", "pods"),
];

#[test]
fn a_record_has_all_that_the_event_has() {
    let (record, of_record, of_resource) = recorded(Describes::Attributes);
    assert_eq!(of_record, pairs(&[&OF_EVENT[..], &OF_CONTAINER].concat()));
    assert_eq!((record.time, record.observed_time, record.severity), (1_700_000_000_000_000_001, 5, 9));
    assert_eq!(&record.event_name[..], b"doubleslit.process.exec");
    let names: Vec<_> = of_resource.keys().map(String::as_str).collect();
    let found = ["host.arch", "host.id", "host.name", "os.type", "os.version", "service.instance.id"];
    let expected: Vec<_> = found.into_iter().chain(["service.name", "service.version"]).collect();
    // A machine need not have an id.
    assert_eq!(names.iter().filter(|name| **name != "host.id").count(), expected.len() - 1, "{names:?}");
    assert!(names.iter().all(|name| expected.contains(name)), "{names:?}");
    assert_eq!((of_resource["service.name"].as_str(), of_resource["os.type"].as_str()), ("here", "linux"));
}

#[test]
fn a_container_can_have_a_resource_of_its_own() {
    let (_, of_record, mut of_resource) = recorded(Describes::Resource);
    assert_eq!(of_record, pairs(&OF_EVENT));
    of_resource.retain(|name, _| name.starts_with("container.") || name.starts_with("k8s."));
    assert_eq!(of_resource, pairs(&OF_CONTAINER));
}
