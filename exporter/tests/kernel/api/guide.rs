//! The examples of `docs/api.md`.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use doubleslit_testbed::{api, wait};
use serde_json::Value;

use crate::harness::{docker, setup};

const GUIDE: &str = include_str!("../../../../docs/api.md");
const SOCKET: &str = "/run/doubleslit/api.sock";

/// Runs each example in turn. Of those that stream, the first line is enough.
#[test]
#[ignore = "needs root and BTF"]
fn every_example_works() {
    let mut container = docker().load("web-1", &[]);
    let exporter = setup().start();
    let socket = exporter.socket.to_str().expect("text");
    let (mut answers, mut streams) = (0, 0);
    for example in GUIDE.lines().filter(|line| line.starts_with("curl ")) {
        let command =
            format!("exec {}", example.replace(SOCKET, socket).replace("curl ", "curl -sS --fail-with-body "));
        let mut child = Command::new("sh")
            .args(["-c", &command])
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("there is a shell");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        if example.contains("/events") {
            wait::until("the stream is open", || {
                let (_, list) = api::ask(&exporter.socket, "GET", "/api/v1/traces", "");
                list["running"].as_array()?.iter().all(|trace| trace["status"]["phase"] == "Running").then_some(())
            });
            // What happened before it was open is not in it.
            let first = std::thread::scope(|scope| {
                let reading = scope.spawn(|| lines.next());
                wait::until("an event is printed", || {
                    container.load.run("exec 1");
                    container.load.run("open-missing 1 1");
                    reading.is_finished().then_some(())
                });
                reading.join().expect("no panic")
            });
            let first = first.expect(example).expect("text");
            let expected = if example.contains("openat") { "openat" } else { "exec" };
            assert!(first.contains(expected), "{example}: {first}");
            child.kill().expect("it goes on");
            drop(child.wait());
            streams += 1;
        } else {
            let text: String = lines.map(|line| line.expect("text")).collect();
            assert!(child.wait().expect("it is a child").success(), "{example}: {text}");
            assert!(text.is_empty() || serde_json::from_str::<Value>(&text).is_ok(), "{example}: {text}");
            answers += 1;
        }
    }
    assert_eq!((answers, streams), (5, 4));
}
