//! `doubleslit trace`.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
};

use doubleslit_testbed::{api, exporter::run, sys, wait};
use serde_json::{Value, json};

use super::{assert_executions, execute, is_last};
use crate::harness::{BINARY, docker, setup};

/// Runs a command to its end: whether it succeeded, and what it printed.
fn trace(socket: &Path, words: &[&str]) -> (Option<i32>, String, String) {
    let socket = socket.to_str().expect("text");
    let (status, output, errors): (ExitStatus, _, _) =
        run(Path::new(BINARY), &[&["trace", "--socket", socket], words].concat());
    (status.code(), output, errors)
}

/// Starts a command that goes on.
fn start(socket: &Path, words: &[&str]) -> Child {
    let mut command = Command::new(BINARY);
    command.args(["trace", "--socket"]).arg(socket).args(words);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("it can be run")
}

/// The events that a command prints before the last one.
fn before_last(output: &mut impl std::io::BufRead) -> Vec<Value> {
    let lines = output.lines().map(|line| serde_json::from_str::<Value>(&line.expect("a line")).expect("JSON"));
    lines.take_while(|event| !is_last(event)).collect()
}

fn errors(child: &mut Child) -> String {
    let mut text = String::new();
    child.stderr.take().expect("it is piped").read_to_string(&mut text).expect("text");
    text
}

#[test]
#[ignore = "needs root and BTF"]
fn a_trace_by_commands_alone() {
    let mut container = docker().load("commanded", &[]);
    let exporter = setup().start();
    let socket = exporter.socket.as_path();
    let create = ["create", "--name", "t", "--event", "exec", "--container", "comm*"];
    assert_eq!(trace(socket, &create), (Some(0), "t\n".to_owned(), String::new()));
    let expected = "doubleslit: duplicate trace `t`: delete it first, or choose another name\n";
    assert_eq!(trace(socket, &create), (Some(1), String::new(), expected.to_owned()));
    let (code, _, refusal) = trace(socket, &["create", "--event", "exek"]);
    assert!(
        code == Some(2) && refusal.starts_with("doubleslit: invalid `spec.events[0]`: `exek`: expected"),
        "{refusal}"
    );
    wait::until("the trace runs", || trace(socket, &["list"]).1.contains("Running").then_some(()));

    let (mut json, mut text) = (start(socket, &["tail", "t", "-o", "json"]), start(socket, &["tail", "t"]));
    let mut lines = BufReader::new(json.stdout.take().expect("it is piped"));
    let mut texts = BufReader::new(text.stdout.take().expect("it is piped")).lines();
    // Both are connected once they have printed something.
    let mut first = String::new();
    wait::until("events are printed", || {
        container.load.run("exec 1");
        let (_, shown) = api::ask(socket, "GET", "/api/v1/traces/t", "");
        (shown["status"]["events"].as_u64()? > 0).then_some(())
    });
    lines.read_line(&mut first).expect("a line");
    texts.next().expect("a line").expect("text");
    container.load.run("execveat 1");
    before_last(&mut lines);
    execute(&mut container, 5);
    assert_executions(&before_last(&mut lines), &container, 5);

    let (code, table, _) = trace(socket, &["list"]);
    assert!(code == Some(0) && table.starts_with("NAME ") && table.lines().count() == 2, "{table}");
    let (_, shown, _) = trace(socket, &["show", "t"]);
    assert!(shown.contains("spec.containers") && shown.contains("comm*"), "{shown}");
    let (_, shown, _) = trace(socket, &["show", "t", "-o", "json"]);
    let shown: Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!((&shown["name"], &shown["status"]["lost"]), (&json!("t"), &json!(0)), "{shown}");

    assert_eq!(trace(socket, &["delete", "t"]), (Some(0), String::new(), String::new()));
    for child in [&mut json, &mut text] {
        assert!(child.wait().expect("it is a child").success(), "{}", errors(child));
    }
    for line in texts {
        let line = line.expect("text");
        assert!(line.contains("commanded") && line.contains("exec"), "{line}");
    }
    let gone = (Some(1), String::new(), "doubleslit: no trace `t`\n".to_owned());
    for words in [["show", "t"], ["delete", "t"], ["tail", "t"]] {
        assert_eq!(trace(socket, &words), gone, "{words:?}");
    }
}

#[test]
#[ignore = "needs root and BTF"]
fn a_closed_pipe_ends_it_without_an_event() {
    let exporter = setup().start();
    let socket = exporter.socket.as_path();
    // Nothing happens in it.
    let none = ["--event", "exec", "--container", "there-is-none"];
    assert_eq!(trace(socket, &[&["create", "--name", "silent"], &none[..]].concat()).0, Some(0));
    let create = [&["create", "--name", "shown", "--one-shot"], &none[..]].concat();
    for words in [&["tail", "silent"][..], &["tail", "silent", "-o", "json"], &create] {
        let mut child = start(socket, words);
        drop(child.stdout.take());
        wait::until("the command ends", || child.try_wait().expect("it is a child"));
        let status = child.wait().expect("it is a child");
        assert!(status.success(), "{status} {}", errors(&mut child));
    }
    // What it began is gone, and nothing else.
    let (_, list) = api::ask(socket, "GET", "/api/v1/traces", "");
    let names: Vec<_> = list["running"].as_array().expect("a list").iter().map(|trace| &trace["name"]).collect();
    assert_eq!(names, [&json!("silent")], "{list}");
}

#[test]
#[ignore = "needs root and BTF"]
fn one_shot_leaves_nothing() {
    let mut container = docker().load("once", &[]);
    let exporter = setup().start();
    let socket = exporter.socket.as_path();
    let words = ["create", "--name", "once", "--one-shot", "--event", "exec", "--container", "once", "-o", "json"];
    let mut child = start(socket, &words);
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped"));
    wait::until("events are printed", || {
        container.load.run("exec 1");
        let (_, shown) = api::ask(socket, "GET", "/api/v1/traces/once", "");
        (shown["status"]["events"].as_u64()? > 0).then_some(())
    });
    let mut first = String::new();
    lines.read_line(&mut first).expect("a line");
    container.load.run("execveat 1");
    before_last(&mut lines);
    execute(&mut container, 7);
    assert_executions(&before_last(&mut lines), &container, 7);
    sys::send(child.id().cast_signed(), libc::SIGINT).expect("it runs");
    let status = child.wait().expect("it is a child");
    let told = errors(&mut child);
    assert!(status.success() && told.starts_with("doubleslit: the trace `once` had "), "{status} {told}");
    assert!(told.ends_with(" events; 0 were lost in the kernel, 0 were read too slowly\n"), "{told}");
    assert_eq!(api::ask(socket, "GET", "/api/v1/traces/once", "").0, 404);

    // One whose time is over ends by itself.
    let (code, _, told) =
        trace(socket, &["create", "--name", "short", "--tail", "--event", "exec", "--pid", "1", "--duration", "10ms"]);
    assert_eq!(
        (code, told.as_str()),
        (Some(0), "doubleslit: the trace `short` had 0 events; 0 were lost in the kernel, 0 were read too slowly\n")
    );
    assert_eq!(api::ask(socket, "GET", "/api/v1/traces/short", "").0, 404);
}
