//! Streams of a trace.

use std::{path::Path, sync::mpsc, thread};

use doubleslit_testbed::api::{self, Stream};
use serde_json::{Value, json};

use super::{assert_executions, execs, execute, is_last};
use crate::harness::{docker, setup, two_containers};

const NDJSON: &str = "application/x-ndjson";
const EVENTS: &str = "/api/v1/traces/t/events";

/// The objects in server-sent events, of which each has the name of its kind.
fn server_sent(stream: &mut Stream, count: usize) -> Vec<Value> {
    let next = |_| {
        let (name, data, end) = (stream.line().expect("a name"), stream.line().expect("data"), stream.line());
        let event: Value = serde_json::from_str(data.strip_prefix("data: ").expect("data")).expect("JSON");
        assert_eq!((name, end), (format!("event: {}", event["event"].as_str().expect("a kind")), Some(String::new())));
        event
    };
    (0..count).map(next).collect()
}

#[test]
#[ignore = "needs root and BTF"]
fn every_reader_gets_all_of_what_was_asked_for_and_then_an_end() {
    let (exporter, mut a, mut b) = two_containers();
    let socket = exporter.socket.as_path();
    api::trace(socket, "t", &execs(&["alpha"]));
    let mut lines = Stream::open(socket, EVENTS, NDJSON);
    let mut sent = Stream::open(socket, EVENTS, "text/event-stream");
    let mut text = Stream::open(socket, EVENTS, "text/plain");

    execute(&mut b, 20);
    execute(&mut a, 100);
    assert_executions(&lines.before(is_last), &a, 100);
    let events = server_sent(&mut sent, 101);
    assert!(is_last(&events[100]), "{}", events[100]);
    assert_executions(&events[..100], &a, 100);
    for _ in 0..101 {
        let line = text.line().expect("a line");
        assert!(line.contains("alpha") && line.contains("exec"), "{line}");
    }

    let (_, trace) = api::ask(socket, "GET", "/api/v1/traces/t", "");
    let status = &trace["status"];
    assert_eq!((&status["hits"], &status["events"], &status["lost"]), (&json!(101), &json!(101), &json!(0)), "{trace}");
    assert_eq!(status["containers"], json!([{ "name": "alpha", "id": a.id }]));
    assert_eq!(api::ask(socket, "DELETE", "/api/v1/traces/t", ""), (204, Value::Null));
    assert_eq!((lines.rest(), sent.line(), text.line()), (Vec::new(), None, None));
    assert_eq!(api::ask(socket, "GET", EVENTS, "").0, 404);
}

/// Each of the last executions is seen by the fast reader before the next, so that each comes by itself.
#[test]
#[ignore = "needs root and BTF"]
fn a_slow_reader_misses_its_own_and_is_told_how_many() {
    // More than what lies between the exporter and a reader can hold, and more than is kept.
    const FLOOD: u64 = 4000;
    const TRICKLE: u64 = 100;
    let mut container = docker().load("flooded", &[]);
    let exporter = setup().start();
    let socket = exporter.socket.as_path();
    api::trace(socket, "t", &execs(&["flooded"]));
    let (slow, mut fast) = (Stream::open(socket, EVENTS, NDJSON), Stream::open(socket, EVENTS, NDJSON));
    let (sender, received) = mpsc::channel();
    let reading = thread::spawn(move || {
        while let Some(event) = fast.json() {
            assert_eq!(event["event"], "exec", "{event}");
            sender.send(()).expect("somebody waits");
        }
    });
    container.load.run(&format!("exec {FLOOD}"));
    (0..FLOOD).for_each(|_| received.recv().expect("it comes"));
    for _ in 0..TRICKLE {
        container.load.run("exec 1");
        received.recv().expect("it comes");
    }
    assert_eq!(api::ask(socket, "DELETE", "/api/v1/traces/t", "").0, 204);
    reading.join().expect("the fast reader missed nothing");
    assert_eq!(received.try_iter().count(), 0);

    let records = slow.rest();
    let missed: Vec<_> = records.iter().filter_map(|record| record["missed"].as_u64()).collect();
    let events = (records.len() - missed.len()) as u64;
    println!("{events} events, missed {missed:?}");
    assert_eq!(missed.iter().sum::<u64>() + events, FLOOD + TRICKLE);
    assert!(!missed.is_empty() && events > 0);
}

/// A reader that is there when the exporter ends.
#[test]
#[ignore = "needs root and BTF"]
fn the_end_of_the_exporter_is_an_end() {
    let mut container = docker().load("ending", &[]);
    let exporter = setup().start();
    let socket = exporter.socket.clone();
    api::trace(&socket, "t", &execs(&["ending"]));
    let mut stream = Stream::open(&socket, EVENTS, NDJSON);
    execute(&mut container, 3);
    assert_executions(&stream.before(is_last), &container, 3);
    let (status, _, log) = exporter.stop();
    assert!(status.success(), "{status}\n{log}");
    assert_eq!(stream.rest(), Vec::<Value>::new());
    assert!(!Path::new(&socket).exists());
}
