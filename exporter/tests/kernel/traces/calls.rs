//! Traces of single system calls.

use std::collections::BTreeSet;

use doubleslit::events::event::{Details, Event};
use doubleslit_testbed::{docker::LoadContainer, wait};

use super::{Tracing, all_programs, await_end_of, bpftool, cgroup_of, programs};
use crate::{bpf_objects::bpf_objects, harness::docker};

/// What the calls of some events are called, with their errors.
fn told(events: &[Event]) -> BTreeSet<(&'static str, Option<u32>)> {
    let told = events.iter().map(|event| match &event.details {
        Details::Syscall(syscall) => (syscall.name(), syscall.error()),
        other => panic!("another kind: {other:?}"),
    });
    told.collect()
}

/// Has threads of a container fail to open a file, so many times in all.
fn open(container: &mut LoadContainer<'_>, count: u64) {
    container.load.run(&format!("open-missing 2 {}", count / 2));
}

#[test]
#[ignore = "needs root and BTF"]
fn two_jobs_share_what_the_kernel_is_asked_for() {
    let mut web = docker().load("job-web", &["--label=app=nginx", "--label=type=webserver"]);
    let mut other = docker().load("job-other", &[]);
    let tracing = Tracing::start("");
    let before = bpf_objects(std::process::id().cast_signed());
    let cgroup = cgroup_of(&web);
    tracing.run("a", r#"{"labelSelector": {"matchLabels": {"app": "nginx"}}, "syscalls": ["openat", "getppid"]}"#);
    tracing.run("b", r#"{"labelSelector": {"matchLabels": {"type": "webserver"}}, "syscalls": ["openat"]}"#);
    let jobs = ["a", "b"];
    jobs.iter().for_each(|job| tracing.until_about(job, &web));
    let of_a = BTreeSet::from([(cgroup, "openat"), (cgroup, "getppid")]);
    assert_eq!(tracing.calls(), of_a);
    assert_eq!(programs(), BTreeSet::from(["syscall_event".to_owned()]));

    let (mut of_job_a, mut of_job_b) = (tracing.subscribe("a"), tracing.subscribe("b"));
    open(&mut other, 100);
    open(&mut web, 10);
    web.load.run(&format!("syscall {} 5", libc::SYS_getppid));
    let missing = ("openat", Some(libc::ENOENT.cast_unsigned()));
    assert_eq!(told(&tracing.events("a", &mut of_job_a, 15)), [missing, ("getppid", Some(0))].into());
    let events = tracing.events("b", &mut of_job_b, 10);
    assert_eq!(told(&events), [missing].into());
    assert!(events.iter().all(|event| event.identity.container_id == web.id && event.weight == 1));

    tracing.traces().delete("b").expect("there is one");
    assert_eq!(tracing.calls(), of_a, "the other one still wants it");
    open(&mut web, 20);
    assert_eq!(told(&tracing.events("a", &mut of_job_a, 20)), [missing].into());
    let status = tracing.status("a");
    assert_eq!((status.hits, status.events, status.lost, status.missed), (35, 35, 0, 0));
    tracing.traces().delete("a").expect("there is one");
    assert_eq!(tracing.calls(), BTreeSet::new());
    wait::until("the programs are detached", || programs().is_empty().then_some(()));
    await_end_of(&before);
}

#[test]
#[ignore = "needs root and BTF"]
fn rates_2_and_4_of_eight_calls() {
    let mut web = docker().load("rates-web", &[]);
    let tracing = Tracing::start("");
    for rate in [2, 4] {
        let name = format!("rate{rate}");
        let spec = format!(r#"{{"containers": ["rates-web"], "syscalls": ["getppid"], "sampleRate": {rate}}}"#);
        tracing.run(&name, &spec);
        tracing.until_about(&name, &web);
    }
    web.load.run(&format!("syscall {} 8", libc::SYS_getppid));
    for rate in [2, 4] {
        let status = tracing.until(&format!("rate{rate}"), "eight calls", |status| status.hits >= 8);
        assert_eq!((status.hits, status.events), (8, 8 / rate), "one in {rate}");
    }
}

/// A call of anybody, a call of a container, and all calls of a container, each in a trace of its own.
#[test]
#[ignore = "needs root and BTF"]
fn of_anybody_of_one_and_all_of_one() {
    let mut web = docker().load("calls-web", &[]);
    let mut other = docker().load("calls-other", &[]);
    let tracing = Tracing::start("");
    let of_load = r#""select": ["comm=doubleslit-load"]"#;
    tracing.run("anybody", &format!(r#"{{"syscalls": ["getppid"], {of_load}}}"#));
    tracing.run("one", r#"{"containers": ["calls-web"], "syscalls": ["get*id"]}"#);
    tracing.run("all", r#"{"containers": ["calls-web"], "syscalls": ["all"]}"#);
    ["one", "all"].iter().for_each(|name| tracing.until_about(name, &web));
    let mut all = tracing.subscribe("all");
    other.load.run(&format!("syscall {} 300", libc::SYS_getppid));
    web.load.run(&format!("syscall {} 200", libc::SYS_getppid));
    web.load.run(&format!("syscall {} 100", libc::SYS_getpid));
    tracing.until("anybody", "those of both", |status| status.hits == 500);
    tracing.until("one", "those of one", |status| status.hits == 300);
    // The load also receives what it is to do, and sends that it is done.
    let events = tracing.events("all", &mut all, 304);
    let counts = ["getppid", "getpid", "recvfrom", "sendto"].map(|name| told_count(&events, name));
    assert_eq!(counts, [200, 100, 2, 2], "{:?}", told(&events));
}

fn told_count(events: &[Event], name: &str) -> usize {
    events.iter().filter(|event| matches!(&event.details, Details::Syscall(syscall) if syscall.name() == name)).count()
}

/// Executions return as another call than the one that began, and so does a return from a signal. What is noted of their
/// beginnings goes in either case, also when the trace is gone by then.
#[test]
#[ignore = "needs root and BTF"]
fn what_is_noted_of_beginnings_goes() {
    let mut web = docker().load("noted-web", &[]);
    let tracing = Tracing::start("");
    let of = |calls: &str| format!(r#"{{"containers": ["noted-web"], "syscalls": [{calls}]}}"#);
    tracing.run("kept", &of(r#""execveat", "rt_sigreturn""#));
    tracing.run("sleeps", &of(r#""clock_nanosleep", "nanosleep""#));
    ["kept", "sleeps"].iter().for_each(|name| tracing.until_about(name, &web));
    let mut kept = tracing.subscribe("kept");
    web.load.run("execveat 6");
    web.load.run(&format!("signal {} 4", libc::SIGUSR1));
    let events = tracing.events("kept", &mut kept, 10);
    assert_eq!((told_count(&events, "execveat"), told_count(&events, "rt_sigreturn")), (6, 4));
    let is_timed = |event: &Event| matches!(&event.details, Details::Syscall(syscall) if syscall.duration.is_some());
    assert!(events.iter().all(is_timed), "{events:?}");

    assert_eq!(begun(), 0);
    web.load.ask("sleep 1000");
    wait::until("the sleep is noted", || (begun() == 1).then_some(()));
    tracing.traces().delete("sleeps").expect("there is one");
    web.load.answer("sleep 1000");
    wait::until("nothing is noted any more", || (begun() == 0).then_some(()));
    tracing.traces().delete("kept").expect("there is one");
}

/// Without durations only one program is attached, unless calls are traced whose beginnings are needed.
#[test]
#[ignore = "needs root and BTF"]
fn without_durations_returns_are_enough() {
    let mut web = docker().load("returns-web", &[]);
    let tracing = Tracing::start("");
    let run = |name: &str, calls: &str, durations: bool| {
        let owner = r#""containers": ["returns-web"]"#;
        tracing.run(name, &format!(r#"{{{owner}, "syscalls": [{calls}], "durations": {durations}}}"#));
    };
    run("returns", r#""getppid", "openat""#, false);
    tracing.until_about("returns", &web);
    assert!(!is_beginning_noted());
    let mut returns = tracing.subscribe("returns");
    web.load.run(&format!("syscall {} 7", libc::SYS_getppid));
    open(&mut web, 4);
    let events = tracing.events("returns", &mut returns, 11);
    assert_eq!((told_count(&events, "getppid"), told_count(&events, "openat")), (7, 4));
    for event in &events {
        let Details::Syscall(syscall) = &event.details else { panic!("another kind: {event:?}") };
        assert_eq!((syscall.began, syscall.duration), (None, None));
        assert!(syscall.result.is_some() && syscall.arguments.len() == if syscall.name() == "openat" { 4 } else { 0 });
    }
    for (name, calls, durations) in [("ends", r#""exit_group""#, false), ("timed", r#""getppid""#, true)] {
        run(name, calls, durations);
        assert!(is_beginning_noted(), "{name}");
        tracing.traces().delete(name).expect("there is one");
        wait::until("beginnings are not noted any more", || (!is_beginning_noted()).then_some(()));
    }
}

/// Whether this process has the program attached that notes how calls begin.
fn is_beginning_noted() -> bool {
    all_programs().contains("syscall_begin")
}

/// How many calls are noted that have begun.
fn begun() -> usize {
    let objects = bpf_objects(std::process::id().cast_signed());
    let maps = objects.iter().filter(|(kind, _)| kind == "map").filter_map(|(_, id)| {
        let shown = bpftool(&["map", "show", "id", id])?;
        (shown["name"] == "SYSCALLS_BEGUN").then(|| bpftool(&["map", "dump", "id", id]))?
    });
    maps.filter_map(|dump| Some(dump.as_array()?.len())).sum()
}

/// More than the ring has room for.
const CALLS: u64 = 2000;

#[test]
#[ignore = "needs root and BTF"]
fn what_finds_no_room_is_counted_for_who_wants_it() {
    let mut web = docker().load("lost-web", &[]);
    let tracing = Tracing::start("events: {ring_bytes: 65536}");
    for (name, calls) in [("opens", "openat"), ("ids", "getppid"), ("all", "all")] {
        tracing.run(name, &format!(r#"{{"containers": ["lost-web"], "syscalls": ["{calls}"]}}"#));
        tracing.until_about(name, &web);
    }
    // Nobody reads the ring meanwhile: its reader runs on the only thread.
    let (go_on, wait) = std::sync::mpsc::channel::<()>();
    tracing.runtime.spawn(async move { wait.recv().is_err() });
    web.load.run(&format!("syscall {} {CALLS}", libc::SYS_getppid));
    drop(go_on);
    let ids = tracing.until("ids", "all are accounted for", |status| status.hits + status.lost == CALLS);
    assert!(ids.lost > 0, "{ids:?}");
    let [opens, all] = ["opens", "all"].map(|name| tracing.status(name));
    assert_eq!((opens.hits, opens.lost), (0, 0));
    // What the load receives and sends is among them.
    assert!(all.lost >= ids.lost && all.hits >= ids.hits, "{all:?} {ids:?}");
}
