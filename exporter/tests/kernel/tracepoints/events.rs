//! Hits of tracepoints as single events.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use doubleslit_testbed::{
    collector::{Collector, LogRecord},
    docker::LoadContainer,
    exporter,
    scrape::Rows,
    wait,
    watch::Watch,
};
use serde_json::{Value, json};

use crate::{
    harness::{BINARY, assert_conserved, assert_rows, docker, rows},
    otlp::exporting,
};

const NAME: &str = "doubleslit.trace.tracepoint";
const FIELDS: &str = "doubleslit.trace.fields";

/// Watches hits of tracepoints in a container.
fn watch(container: &LoadContainer<'_>, tracepoints: &[&str], more: &[&str]) -> Watch {
    let select = format!("container_id={}", container.id);
    let flags = tracepoints.iter().flat_map(|name| ["--tracepoint", name]).chain(["--select", &select]);
    let flags: Vec<_> = flags.chain(more.iter().copied()).collect();
    let config = format!("identity: {{docker_root: \"{}\"}}", docker().data_root().display());
    Watch::start(Path::new(BINARY), &config, &flags)
}

/// Waits for so many events, and sees that there are no more.
fn events(mut watch: Watch, count: usize) -> Vec<Value> {
    let seen = Cell::new(0);
    let mut events = watch.await_events_until("all hits", |_| {
        seen.set(seen.get() + 1);
        seen.get() == count
    });
    let (status, more) = watch.stop(libc::SIGTERM);
    assert!(status.success() && !watch.log().contains("not shown"), "{status}\n{}", watch.log());
    events.extend(more);
    assert_eq!(events.len(), count, "{:?}", events.last());
    events
}

fn tracepoint(event: &Value) -> &str {
    event[NAME].as_str().unwrap_or_default()
}

/// The records of a container's forks that a collector has.
fn forks<'a>(logs: &'a [LogRecord], container: &str) -> impl Iterator<Item = &'a LogRecord> {
    let container = json!(container);
    logs.iter().filter(move |record| {
        record.event_name == "doubleslit.trace.hit" && record.attributes.get("container.id") == Some(&container)
    })
}

#[test]
#[ignore = "needs root and BTF"]
fn of_forks_reach_a_collector_and_are_counted() {
    let mut collector = Collector::start();
    let (mut a, mut b) = (docker().load("alpha", &[]), docker().load("beta", &[]));
    let mut exporter = exporting(&collector, "grpc", "logs: {linger: 10ms}")
        .config("tracepoints: [{name: 'sched:sched_process_fork', events: true}, 'sched:sched_process_exit']")
        .config(&format!("events: {{select: [{{event: tracepoint, container_id: [{}, {}]}}]}}", a.id, b.id))
        .start();
    let change = exporter.during(|| {
        a.load.run("cpus=0,1 fork 300");
        b.load.run("fork 50");
    });
    // Who forks on a CPU of its own is called like that.
    for (container, count, name) in [(&a, 300, "cpu-"), (&b, 50, "doubleslit-load")] {
        let expected = Rows::of([
            ("tracepoint_hits tracepoint=sched:sched_process_fork", count),
            ("tracepoint_hits tracepoint=sched:sched_process_exit", count),
        ]);
        assert_rows(&change, &rows(&change, container).only(&["tracepoint_hits"]), &expected, "forks");
        let count = count as usize;
        let all = collector.await_received("all forks", |all| forks(&all.logs, &container.id).count() >= count);
        let mut children = BTreeSet::new();
        for record in forks(&all.logs, &container.id) {
            let fields = &record.attributes[FIELDS];
            assert_eq!(record.attributes[NAME], json!("sched:sched_process_fork"));
            let comm = &record.attributes["doubleslit.process.comm"];
            assert!(comm.as_str().is_some_and(|comm| comm.starts_with(name)), "{comm}");
            assert_eq!([&fields["parent_comm"], &fields["child_comm"]], [comm; 2]);
            assert_eq!(record.attributes["process.pid"], json!(container.pid()));
            // The kernel tells the thread that forks.
            let (thread, common) =
                (&record.attributes["doubleslit.thread.id"], &record.attributes["doubleslit.trace.common_fields"]);
            assert_eq!([&fields["parent_pid"], &common["common_pid"]], [thread; 2]);
            children.insert(fields["child_pid"].as_u64().expect("a process id"));
        }
        assert_eq!((forks(&all.logs, &container.id).count(), children.len()), (count, count));
    }
    assert_conserved(&exporter.scrape());
}

#[test]
#[ignore = "needs root and BTF"]
fn of_several_tracepoints_are_not_confused() {
    let mut container = docker().load("alpha", &[]);
    let watch =
        watch(&container, &["sched:sched_process_fork", "sched_process_exit", "syscalls:sys_enter_execv*"], &[]);
    container.load.run("cpus=0,1 exec 200");
    let mut counts = BTreeMap::new();
    for event in events(watch, 600) {
        let name = tracepoint(&event).to_owned();
        let fields = event[FIELDS].as_object().expect("pairs");
        let has = |names: &[&str]| names.iter().all(|name| fields.contains_key(*name));
        match name.as_str() {
            "sched:sched_process_fork" => assert!(has(&["parent_pid", "child_pid", "child_comm"]), "{event}"),
            "sched:sched_process_exit" => {
                assert!(has(&["comm", "prio"]) && fields["pid"] == event["process.pid"], "{event}");
            }
            "syscalls:sys_enter_execve" => {
                let program = fields["filename"].as_str().unwrap_or_default();
                assert!(program.contains("exit-at-once") && has(&["argv", "envp"]), "{event}");
                assert_eq!(fields["__syscall_nr"], libc::SYS_execve, "{event}");
            }
            other => panic!("nobody asked for {other}"),
        }
        *counts.entry(name).or_insert(0) += 1;
    }
    let expected = ["sched:sched_process_exit", "sched:sched_process_fork", "syscalls:sys_enter_execve"];
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), expected.map(|name| (name.to_owned(), 200)));
}

#[test]
#[ignore = "needs root and BTF"]
fn tell_the_paths_that_a_container_opens() {
    let mut container = docker().load("alpha", &[]);
    let others = format!("pid=!{}", container.pid());
    let watch = watch(&container, &["syscalls:sys_enter_openat"], &["--drop", &others]);
    container.load.run("open-long 200 3");
    container.load.run("open-long 4095 1");
    container.load.run("open-long 5000 1");
    container.load.run("open-unmapped 2");
    container.load.run(&format!("syscall {} 1", libc::SYS_openat));
    let path = |length: usize| format!("/{}", "a".repeat(length - 1));
    let told: Vec<_> = events(watch, 8)
        .into_iter()
        .map(|event| {
            let fields = &event[FIELDS];
            assert_eq!((&fields["__syscall_nr"], &fields["flags"]), (&json!(libc::SYS_openat), &json!(0)), "{event}");
            let (cut, unread) = (&event["doubleslit.trace.cut"], &event["doubleslit.trace.unread"]);
            (fields["dfd"].clone(), fields["filename"].clone(), cut.clone(), unread.clone())
        })
        .collect();
    let (here, itself, none) = (json!(libc::AT_FDCWD), json!(["filename"]), Value::Null);
    let whole = |length| (here.clone(), json!(path(length)), none.clone(), none.clone());
    let unmapped = (here.clone(), json!("0x1"), none.clone(), itself.clone());
    let expected = [
        whole(200),
        whole(200),
        whole(200),
        whole(4095),
        (here.clone(), json!(path(4103)), itself.clone(), none.clone()),
        unmapped.clone(),
        unmapped,
        // Address 0 is no text that could not be read.
        (json!(0), json!("0x0"), none.clone(), none.clone()),
    ];
    assert_eq!(told, expected);
}

#[test]
#[ignore = "needs root and BTF"]
fn are_chosen_by_their_fields() {
    let mut container = docker().load("alpha", &[]);
    let rule = format!("container_id={},tracepoint=*openat,fields.filename=/aaa*", container.id);
    let config = format!("identity: {{docker_root: \"{}\"}}", docker().data_root().display());
    let flags = ["--tracepoint", "syscalls:sys_enter_open*", "--select", &rule, "--raw"];
    let watch = Watch::start(Path::new(BINARY), &config, &flags);
    container.load.run("open-missing 1 20");
    container.load.run("open-unmapped 20");
    container.load.run("open-long 30 2");
    for event in events(watch, 2) {
        assert_eq!(event[FIELDS]["filename"], json!(format!("/{}", "a".repeat(29))));
        let raw = event["doubleslit.trace.raw"].as_str().expect("it was asked for");
        let thread = event["doubleslit.thread.id"].as_u64().expect("a number");
        let thread = u32::try_from(thread).expect("a thread").to_ne_bytes();
        let thread: String = thread.iter().map(|byte| format!("{byte:02x}")).collect();
        // Number and thread, then the call's number and its four arguments.
        assert_eq!((raw.len(), &raw[8..16]), (2 * 48, thread.as_str()), "{raw}");
    }
}

/// What finds no room in the ring is told, and the counts know nothing of it.
#[test]
#[ignore = "needs root and BTF"]
fn that_are_lost_are_counted() {
    let mut collector = Collector::start();
    let mut container = docker().load("alpha", &[]);
    let mut exporter = exporting(&collector, "http/protobuf", "logs: {linger: 10ms}")
        .config("tracepoints: [{name: 'sched:sched_process_fork', events: true}]")
        .config(&format!(
            "events: {{ring_bytes: 65536, select: [{{event: tracepoint, container_id: {}}}]}}",
            container.id
        ))
        .start();
    let before = exporter.scrape();
    // Nobody reads the ring meanwhile.
    exporter.stall();
    container.load.run("cpus=0,1 fork 2000");
    exporter.go_on();
    let scrape = wait::until("the ring is empty", || {
        let scrape = exporter.scrape();
        let count = |name: &str| scrape.sum(&format!("doubleslit_events_{name}_total"), &[("event", "tracepoint")]);
        let gone = count("received") + count("lost") + count("filtered") + count("sampled_out");
        (count("generated") == gone && scrape.sum("doubleslit_otlp_queue_length", &[]) == 0.0).then_some(scrape)
    });
    let change = scrape.since(&before);
    let expected = Rows::of([("tracepoint_hits tracepoint=sched:sched_process_fork", 2000)]);
    assert_rows(&change, &rows(&change, &container).only(&["tracepoint_hits"]), &expected, "forks");
    let own = [("container_id", container.id.as_str()), ("event", "tracepoint")];
    let lost = change.sum("doubleslit_ringbuf_events_lost_total", &own);
    let skipped = change.sum("doubleslit_bpf_program_misses_total", &[]);
    println!("{lost} of 2000 hits were lost, {skipped} skipped");
    assert!(lost > 0.0, "the ring is smaller than that");
    assert_eq!(
        lost,
        scrape.sum("doubleslit_events_lost_total", &[("event", "tracepoint"), ("reason", "ringbuf_full")])
    );
    let received = 2000 - lost as usize - skipped as usize;
    let all = collector.await_received("what was not lost", |all| forks(&all.logs, &container.id).count() >= received);
    assert_eq!(forks(&all.logs, &container.id).count(), received);
    assert_conserved(&scrape);
}

#[test]
#[ignore = "needs root and BTF"]
fn what_cannot_be_watched_is_told() {
    let (status, output, error) = exporter::run(Path::new(BINARY), &["watch", "--event", "tracepoint"]);
    let expected = "no tracepoint is named: expected one such as `--tracepoint sched:sched_process_fork`\n";
    assert_eq!((status.code(), output.as_str()), (Some(2), ""));
    assert!(error.ends_with(expected), "{error}");
    for (name, expected) in [
        (
            "sched:sched_proces_fork",
            "cannot watch tracepoints: this kernel has no tracepoint `sched:sched_proces_fork`: expected a name such as \
             `sched:sched_process_fork`, ",
        ),
        ("ftrace:function", "cannot load the BPF programs: cannot attach to the tracepoint `ftrace:function`: "),
    ] {
        let (status, output, error) = exporter::run(Path::new(BINARY), &["watch", "--tracepoint", name]);
        assert_eq!((status.code(), output.as_str()), (Some(1), ""));
        assert!(error.contains(expected) && error.lines().count() == 1, "{error}");
    }
}
