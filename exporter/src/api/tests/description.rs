//! `openapi.json` against the routes and the types.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, SystemTime},
};

use super::*;
use crate::traces::{Container, List, Spec, Status, Trace};

fn document() -> Value {
    serde_json::from_str(DESCRIPTION).expect("JSON")
}

/// Every value with its path.
fn walk<'a>(value: &'a Value, path: &str, found: &mut Vec<(String, &'a Value)>) {
    found.push((path.to_owned(), value));
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| walk(value, &format!("{path}/{name}"), found)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| walk(item, &format!("{path}/{at}"), found))
        }
        _ => {}
    }
}

#[tokio::test]
async fn it_has_the_routes_and_the_router_has_its_paths() {
    const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];
    let (document, api) = (document(), Api::start());
    let paths = document["paths"].as_object().expect("paths");
    let described: BTreeSet<_> = paths.keys().map(String::as_str).collect();
    assert_eq!(described, routes().iter().map(|(path, _)| *path).collect());
    for (path, item) in paths {
        let concrete = path.replace("{name}", "none").replace("{event}", "none").replace(['{', '}'], "");
        for method in METHODS {
            let status = api.ask(&method.to_uppercase(), &concrete, &[("Accept", "none/none")], "").await.status();
            let is_answered = status != StatusCode::METHOD_NOT_ALLOWED;
            assert_eq!(is_answered, item.get(method).is_some(), "{method} {path}: {status}");
            if is_answered {
                let described = item[method]["responses"].get(status.as_str());
                assert!(described.is_some(), "{method} {path} answers {status}");
            }
        }
        let parameters =
            [&item["parameters"], &item["get"]["parameters"]].into_iter().flat_map(Value::as_array).flatten();
        let named = parameters
            .filter(|parameter| parameter["in"] == "path")
            .map(|parameter| format!("{{{}}}", parameter["name"].as_str().expect("a name")));
        assert_eq!(named.collect::<Vec<_>>(), path.split('/').filter(|part| part.starts_with('{')).collect::<Vec<_>>());
    }
}

#[test]
fn it_is_whole() {
    let document = document();
    let mut all = Vec::new();
    walk(&document, "", &mut all);
    let mut referred = BTreeSet::new();
    for (path, value) in &all {
        if path.ends_with("/$ref") {
            let pointer = value.as_str().and_then(|text| text.strip_prefix('#')).expect("a pointer into the document");
            assert!(document.pointer(pointer).is_some(), "{path}: {pointer}");
            referred.insert(pointer);
        }
    }
    for kind in ["schemas", "responses"] {
        for name in document["components"][kind].as_object().expect("components").keys() {
            let is_event = kind == "schemas" && ["Event", "Missed"].contains(&name.as_str());
            let pointer = format!("/components/{kind}/{name}");
            // A stream's records are told in words: no schema can describe what is not one JSON value.
            assert_eq!(referred.contains(pointer.as_str()), !is_event, "{pointer}");
        }
    }
    let ids = all.iter().filter(|(path, _)| path.ends_with("/operationId")).map(|(_, id)| id.as_str().expect("a text"));
    let mut count = BTreeMap::<_, usize>::new();
    ids.for_each(|id| *count.entry(id).or_default() += 1);
    assert!(count.len() == 12 && count.values().all(|count| *count == 1), "{count:?}");
}

#[test]
fn its_examples_are_of_the_real_types() {
    let document = document();
    let media = |pointer: &str| document.pointer(pointer).unwrap_or_else(|| panic!("no {pointer}"));
    let bodies = media("/paths/~1api~1v1~1traces/post/requestBody/content/application~1json/examples");
    for example in bodies.as_object().expect("examples").values() {
        traces::NewTrace::read(example["value"].to_string().as_bytes()).expect("a trace");
    }
    let mut problems = 0;
    for (name, response) in document["components"]["responses"].as_object().expect("responses") {
        let Some(example) = response["content"]["application/problem+json"].get("example") else { continue };
        let problem: Problem = serde_json::from_value(example.clone()).expect(name);
        let status = StatusCode::from_u16(
            serde_json::to_value(&problem).expect("JSON")["status"].as_u64().expect("a number") as u16,
        );
        let made = Problem::new(status.expect("a status"), problem.detail.clone());
        let expected = problem.field.clone().map_or(made.clone(), |field| made.of(field));
        assert_eq!(problem, expected, "{name}");
        problems += 1;
    }
    assert_eq!(problems, 7);
    let trace = serde_json::to_value(trace()).expect("JSON");
    assert_eq!(*media("/components/schemas/Trace/example"), trace);
}

/// A trace of which nothing is empty.
fn trace() -> Trace {
    let second = |second: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + second);
    let document = document();
    let written = &document["paths"][TRACES]["post"]["requestBody"]["content"]["application/json"]["examples"];
    let container = Container {
        namespace: "shop".to_owned(),
        pod: "cart-0".to_owned(),
        name: "web".to_owned(),
        id: "7de99b5f7430".to_owned(),
    };
    Trace {
        name: "shop-execs".to_owned(),
        spec: Spec::read(&written["shop"]["value"]["spec"]).expect("a spec"),
        status: Status {
            phase: Phase::Complete,
            message: String::new(),
            created: second(0),
            started: Some(second(1)),
            completed: Some(second(301)),
            duration: Some(Duration::from_secs(300)),
            elapsed: Duration::from_secs(300),
            containers: Vec::new(),
            matched_containers: vec![container],
            hits: 1234,
            events: 123,
            lost: 0,
            missed: 3,
        },
    }
}

/// What the types write is described, and what is described they write.
#[test]
fn its_schemas_are_those_of_the_types() {
    let document = document();
    let described = |schema: &str| -> BTreeSet<String> {
        document["components"]["schemas"][schema]["properties"].as_object().expect(schema).keys().cloned().collect()
    };
    let keys = |value: &Value| -> BTreeSet<String> { value.as_object().expect("an object").keys().cloned().collect() };
    let mut whole = trace();
    whole.status.message = "partly".to_owned();
    let written = serde_json::to_value(&whole).expect("JSON");
    assert_eq!(described("Trace"), keys(&written));
    assert_eq!(described("Status"), keys(&written["status"]));
    assert_eq!(described("Container"), keys(&written["status"]["matchedContainers"][0]));
    assert_eq!(described("List"), keys(&serde_json::to_value(List::default()).expect("JSON")));
    let problem = Problem::new(StatusCode::OK, "").of("x");
    assert_eq!(described("Problem"), keys(&serde_json::to_value(problem).expect("JSON")));
    // The fields of a specification are those that a wrong one is told of.
    let refusal = Spec::read(&json!({ "?": 1 })).expect_err("no such field").reason;
    let names: BTreeSet<_> = refusal.split('`').skip(3).step_by(2).map(str::to_owned).collect();
    assert_eq!(
        described("Spec").into_iter().chain(["hostSelector".to_owned()]).collect::<BTreeSet<_>>(),
        names,
        "{refusal}"
    );
}
