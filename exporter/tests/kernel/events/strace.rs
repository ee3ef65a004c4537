//! System calls as `strace` sees them at the same time: the same calls of each thread, in the same order, with the same results.

use std::{collections::BTreeMap, fs, process::Command};

use doubleslit_testbed::{
    api::{self, Stream},
    load::script::{CALLS, NAMES, NO_CALL, THREADS},
    static_binary,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{text, watch};
use crate::harness::setup;

/// A call and its result: a number, or an error's name.
type Call = (String, String);

/// The calls of each thread, by its id.
type Threads = BTreeMap<u64, Vec<Call>>;

/// The calls in what `strace -f` wrote.
fn traced(log: &str) -> Threads {
    let mut threads = Threads::new();
    for line in log.lines() {
        let (thread, line) = line.split_once(' ').expect("a thread and what it did");
        let line = line.trim_start();
        // A call of another thread may come between beginning and end: `<... close resumed>) = 0`.
        let begins = line.strip_prefix("<... ").unwrap_or(line);
        let name = begins.split(['(', ' ']).next().unwrap_or_default();
        let unknown = format!("syscall_{NO_CALL:#x}");
        let name = if name == unknown { NO_CALL.to_string() } else { name.to_owned() };
        let is_of_script = NAMES.contains(&name.as_str()) || name == NO_CALL.to_string();
        let Some((_, result)) = line.rsplit_once(" = ").filter(|_| is_of_script) else { continue };
        let mut words = result.split_whitespace();
        let value = words.next().unwrap_or_default();
        let result = if value == "-1" { words.next().unwrap_or_default() } else { value };
        threads.entry(thread.parse().expect("a thread's id")).or_default().push((name, result.to_owned()));
    }
    threads
}

/// The call that an event tells.
fn call(event: &Value) -> Call {
    let errno = text(event, "doubleslit.syscall.errno");
    let result = if errno == "OK" { event["doubleslit.syscall.return_value"].to_string() } else { errno.to_owned() };
    (text(event, "doubleslit.syscall.name").to_owned(), result)
}

#[test]
#[ignore = "needs root and BTF"]
fn calls_are_those_that_strace_sees() {
    let load = static_binary::load();
    let directory = TempDir::new().expect("a directory can be made");
    let log = directory.path().join("strace");
    let names = format!("{},{NO_CALL},exit_group", NAMES.join(","));
    let rule = "comm=script-*,comm=doubleslit-load";
    let watch = watch(&["--syscall", &names, "--select", rule]);
    let exporter = setup().start();
    let spec = json!({ "syscalls": names.split(',').collect::<Vec<_>>(), "select": [rule] });
    api::trace(&exporter.socket, "script", &spec);
    let mut stream = Stream::open(&exporter.socket, "/api/v1/traces/script/events", "*/*");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-o"]).arg(&log).arg(load).arg("script").env("TMPDIR", directory.path());
    let mut strace = strace.spawn().expect("`strace` is installed");
    let status = strace.wait().expect("it is a child");
    assert!(status.success(), "{status}");
    let is_last = |event: &Value| {
        text(event, "doubleslit.syscall.name") == "exit_group"
            && text(event, "doubleslit.process.comm") == "doubleslit-load"
    };
    let expected = traced(&fs::read_to_string(&log).expect("`strace` has written"));
    println!("as watched");
    assert_seen(&watch.await_events_until("the end", is_last), &expected);
    println!("as traced");
    assert_seen(&stream.before(is_last), &expected);
}

/// Checks that these events are the calls of the script's threads.
fn assert_seen(events: &[Value], expected: &Threads) {
    let mut seen = Threads::new();
    for event in events.iter().filter(|event| text(event, "doubleslit.process.comm").starts_with("script-")) {
        let thread = event["doubleslit.thread.id"].as_u64().expect("a thread's id");
        seen.entry(thread).or_default().push(call(event));
    }
    assert_eq!(seen.len(), THREADS);
    for (thread, calls) in &seen {
        assert_eq!(calls.len(), CALLS + 1, "calls of thread {thread}");
        assert_eq!(calls, &expected[thread], "calls of thread {thread}");
    }
}

#[test]
fn lines_of_strace_are_understood() {
    let log = "17  openat(AT_FDCWD, \"a = b\", O_RDONLY) = 3\n\
               18  close(3 <unfinished ...>\n\
               17  syscall_0x3e7(0x1, 0x2) = -1 ENOSYS (Function not implemented)\n\
               18  <... close resumed>)                 = 0\n\
               18  getpid()                          = 17\n\
               18  +++ exited with 0 +++\n";
    let call = |name: &str, result: &str| (name.to_owned(), result.to_owned());
    let expected = [(17, vec![call("openat", "3"), call("999", "ENOSYS")]), (18, vec![call("close", "0")])];
    assert_eq!(traced(log), expected.into());
}
