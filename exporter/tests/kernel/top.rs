//! `doubleslit top`, once and on a terminal.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Read as _,
    path::Path,
    process::{Command, Stdio},
};

use doubleslit_testbed::{docker::LoadContainer, exporter, sys, terminal::Terminal, wait};
use serde_json::Value;

use crate::{
    bpf_objects::{await_gone, bpf_objects, is_there},
    harness::{BINARY, docker},
};

const ROOT: &str = "DOUBLESLIT_IDENTITY__DOCKER_ROOT";

/// What `top --once` prints of the time in which something is done.
fn once(arguments: &[&str], act: impl FnOnce()) -> String {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let log = directory.path().join("log");
    let read = || std::fs::read_to_string(&log).unwrap_or_default();
    let mut command = Command::new(BINARY);
    command.args(["top", "--once", "--interval=1h", "--log.level=info"]).args(arguments);
    command.env(ROOT, docker().data_root()).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.stderr(File::create(&log).expect("a file can be written")).spawn().expect("it can be run");
    wait::until("it measures", || {
        let status = child.try_wait().expect("it is a child");
        assert_eq!(status, None, "{}", read());
        read().contains("measuring").then_some(())
    });
    let pid = child.id().cast_signed();
    let objects = bpf_objects(pid);
    assert!(objects.iter().any(|(kind, _)| kind == "prog") && objects.iter().all(is_there), "{objects:?}");
    act();
    sys::send(pid, libc::SIGINT).expect("it runs");
    let mut printed = String::new();
    child.stdout.take().expect("it is piped").read_to_string(&mut printed).expect("UTF-8");
    assert!(child.wait().expect("it is a child").success(), "{}", read());
    await_gone(&objects);
    printed
}

/// The counts of a container by the values of some fields. The rates are those of the counts.
fn counts(printed: &str, container: &LoadContainer<'_>, fields: &[&str]) -> BTreeMap<String, u64> {
    let once: Value = serde_json::from_str(printed).expect("JSON");
    let seconds = once["seconds"].as_f64().expect("a number");
    let rows = once["rows"].as_array().expect("rows");
    let own = rows.iter().filter(|row| row["container_id"] == container.id.as_str());
    own.map(|row| {
        assert_eq!((&row["container"], &row["scope"]), (&container.name.as_str().into(), &"container".into()), "{row}");
        let count = row["count"].as_u64().expect("a number");
        assert_eq!(row["rate"].as_f64(), Some(count as f64 / seconds), "{row}");
        let names: Vec<_> = fields.iter().map(|field| row[*field].as_str().expect("a name")).collect();
        (names.join(" "), count)
    })
    .collect()
}

fn expected<const N: usize>(counts: [(&str, u64); N]) -> BTreeMap<String, u64> {
    counts.map(|(name, count)| (name.to_owned(), count)).into()
}

#[test]
#[ignore = "needs root and BTF"]
fn one_interval_of_events_is_exact() {
    let (mut a, mut b) = (docker().load("alpha", &[]), docker().load("beta", &[]));
    let printed = once(&["-o", "json"], || {
        a.load.run("cpus=0,1 exec 1000");
        b.load.run("cpus=0,1 exit 1 300");
    });
    let mut of_a = counts(&printed, &a, &["event"]);
    // One for each child that ends, as the kernel sends them.
    of_a.remove("signal_generate");
    of_a.remove("signal_deliver");
    assert_eq!(of_a, expected([("exec", 1000), ("exit", 1000), ("fork", 1000)]));
    let mut of_b = counts(&printed, &b, &["event"]);
    of_b.remove("signal_generate");
    of_b.remove("signal_deliver");
    assert_eq!(of_b, expected([("exit", 300), ("fork", 300)]));
}

#[test]
#[ignore = "needs root and BTF"]
fn one_interval_of_failing_calls_is_exact() {
    let (mut a, b) = (docker().load("alpha", &[]), docker().load("beta", &[]));
    let printed = once(&["--syscalls", "-o", "json"], || drop(a.load.run("open-missing 8 1000")));
    let mut of_a = counts(&printed, &a, &["syscall", "errno"]);
    of_a.retain(|name, _| name.ends_with(" ENOENT"));
    assert_eq!(of_a, expected([("openat ENOENT", 8000)]));
    assert_eq!(counts(&printed, &b, &["syscall", "errno"]), expected([]));
}

#[test]
#[ignore = "needs root and BTF"]
fn one_interval_as_text() {
    let (mut a, mut b) = (docker().load("alpha", &[]), docker().load("beta", &[]));
    let text = once(&["--container=alp*", "--sort=event", "-n", "1"], || {
        a.load.run("exec 100");
        b.load.run("exec 100");
    });
    let cells: Vec<Vec<_>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(cells.len(), 2, "{text}");
    assert_eq!(cells[0], ["CONTAINER", "ID", "CONTAINER", "EVENT", "COUNT", "RATE/S"]);
    assert_eq!(cells[1][..4], [&a.id[..12], "alpha", "exec", "100"], "{text}");
}

#[test]
#[ignore = "needs root and BTF"]
fn without_a_terminal_it_says_what_to_do() {
    let (status, printed, error) = exporter::run(Path::new(BINARY), &["top"]);
    assert_eq!((status.code(), printed.as_str()), (Some(1), ""));
    let expected = "cannot show the table on this terminal; `--once` prints it: standard output is no terminal";
    assert!(error.contains(expected), "{error}");
}

/// It shows only this container, and measures often.
fn on_a_terminal(container: &LoadContainer<'_>, variables: &[(&str, &str)]) -> Terminal {
    let arguments = ["top", "--interval=250ms", "--container", &container.name];
    let root = docker().data_root();
    let variables = [variables, &[(ROOT, root.to_str().expect("UTF-8"))]].concat();
    let mut terminal = Terminal::start(BINARY, &arguments, &variables, [100, 12]);
    terminal.await_frame("a frame", |frame| frame.len() == 12);
    terminal
}

/// The cells of the row of a container that has these names.
fn row<'a>(frame: &'a [String], names: &[&str]) -> Option<Vec<&'a str>> {
    let mut rows = frame.iter().map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.find(|cells| names.iter().all(|name| cells.contains(name)))
}

#[test]
#[ignore = "needs root and BTF"]
fn keys_sort_filter_switch_and_end_it() {
    let mut a = docker().load("alpha", &[]);
    let mut terminal = on_a_terminal(&a, &[]);
    a.load.run("exec 500");
    a.load.run("fork 200");
    let frame = terminal.await_frame("the container's row", |frame| {
        row(frame, &["alpha", "exec", "500"]).is_some() && row(frame, &["alpha", "fork", "700"]).is_some()
    });
    assert!(frame[0].starts_with("doubleslit top: events  "), "{frame:?}");
    assert!(frame[1].contains(" RATE/S▼ "), "{frame:?}");
    let cells = row(&frame, &["alpha", "exec"]).expect("it is there");
    assert_eq!(cells[..3], ["alpha", &a.id[..12], "exec"], "{frame:?}");

    // To the right of the rate is the total.
    terminal.press("\u{1b}[C");
    let frame = terminal.await_frame("another order", |frame| frame[1].contains(" TOTAL▼ "));
    let totals = |frame: &[String]| -> Vec<u64> {
        let rows = frame[2..].iter().map_while(|line| {
            let cells: Vec<_> = line.split_whitespace().collect();
            cells.get(5)?.parse().ok()
        });
        rows.collect()
    };
    assert!(totals(&frame).len() > 2 && totals(&frame).is_sorted_by(|a, b| a >= b), "{frame:#?}");
    terminal.press("r");
    let frame = terminal.await_frame("the reverse order", |frame| frame[1].contains(" TOTAL▲ "));
    assert!(totals(&frame).is_sorted(), "{frame:#?}");

    terminal.press("/exe\r");
    let frame = terminal.await_frame("what has the text", |frame| frame[0].contains("  with `exe`"));
    assert_eq!(totals(&frame), [500], "{frame:#?}");

    terminal.resize([40, 6]);
    let frame = terminal.await_frame("a frame of the new size", |frame| frame.len() == 6);
    assert!(frame.iter().all(|line| line.chars().count() <= 40), "{frame:#?}");
    assert!(row(&frame, &["alpha", "exec"]).is_some(), "{frame:#?}");
    terminal.resize([100, 12]);
    terminal.await_frame("the old size", |frame| frame.len() == 12 && frame[0].contains("  with `exe`"));

    let events = bpf_objects(terminal.pid());
    terminal.press("\u{1b}");
    terminal.await_frame("no filter", |frame| !frame[0].contains("with"));
    terminal.press("s");
    terminal.await_frame("system calls", |frame| frame[0].starts_with("doubleslit top: system calls "));
    await_gone(&events);
    terminal.press("r");
    terminal.await_frame("the first order", |frame| frame[1].contains(" TOTAL▼ "));
    a.load.run("open-missing 2 1000");
    terminal.await_frame("failures", |frame| row(frame, &["alpha", "openat", "ENOENT", "2000"]).is_some());

    let calls = bpf_objects(terminal.pid());
    assert!(calls.iter().all(is_there), "{calls:?}");
    terminal.press("q");
    assert!(terminal.await_end().success(), "{}", terminal.written());
    await_gone(&calls);
}

#[test]
#[ignore = "needs root and BTF"]
fn signals_end_it_and_nothing_stays() {
    let a = docker().load("alpha", &[]);
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
        let mut terminal = on_a_terminal(&a, &[]);
        let objects = bpf_objects(terminal.pid());
        assert!(objects.iter().any(|(kind, _)| kind == "prog") && objects.iter().all(is_there), "{objects:?}");
        terminal.signal(signal);
        assert!(terminal.await_end().success(), "{}", terminal.written());
        await_gone(&objects);
    }
}

#[test]
#[ignore = "needs root and BTF"]
fn colours_are_a_matter_of_taste() {
    let a = docker().load("alpha", &[]);
    for (variables, is_colored) in [(&[][..], true), (&[("NO_COLOR", "1")], false)] {
        let mut terminal = on_a_terminal(&a, variables);
        // Control-C.
        terminal.press("\u{3}");
        assert!(terminal.await_end().success(), "{}", terminal.written());
        let written = terminal.written();
        assert_eq!(written.contains("\u{1b}[7m"), is_colored, "{written}");
        assert_eq!(written.contains("\u{1b}[0m"), is_colored, "{written}");
    }
}
