//! A flood of events from one container beside a trickle from another.

use std::{collections::BTreeMap, path::Path, time::Instant};

use doubleslit_testbed::{memory, sys, watch::Watch};
use serde_json::Value;

use super::{config, text, watch};
use crate::harness::{BINARY, assert_conserved, docker, executions, rows, two_containers};

/// Executions of the flood: fewer than the ring has room for.
const FLOOD: u64 = 20_000;

/// More than that.
const LARGE_FLOOD: u64 = 60_000;

/// Executions of the trickle: ten a second.
const TRICKLE: u64 = 30;

const KINDS: [&str; 2] = ["--event", "exec"];

/// How much memory a listener may take for what it has not handed on: the batches that it keeps.
pub(super) const KEPT: u64 = 96 << 20;

/// How many executions there are of what a container's load executes.
fn of_the_load(events: &[Value], container: &str) -> u64 {
    let is_own = |event: &&Value| {
        text(event, "container.id") == container
            && text(event, "doubleslit.process.parent.comm").starts_with("doubleslit")
    };
    events.iter().filter(is_own).count() as u64
}

/// Bytes of memory that a process has of its own: the pages of rings and files are the kernel's.
pub(super) fn resident(pid: i32) -> u64 {
    memory::bytes(pid, "RssAnon")
}

/// A program that neither the flood nor the trickle executes.
const LAST: &str = "/bin/sleep";

/// What a listener that has ended told of what became of all events, which must add up.
pub(super) fn told(watch: &Watch) -> BTreeMap<String, u64> {
    let log = watch.log();
    let told = log.lines().find_map(|line| Some(line.split_once(": watched ")?.1));
    let told = told.unwrap_or_else(|| panic!("no numbers:\n{log}")).split(' ').filter_map(|word| word.split_once('='));
    let told: BTreeMap<_, u64> =
        told.map(|(name, number)| (name.to_owned(), number.parse().expect("a number"))).collect();
    println!("{told:?}");
    assert_eq!(told["generated"], told["received"] + told["lost"] + told["filtered"] + told["sampled_out"], "{told:?}");
    told
}

/// Ends a listener when it has printed what happened so far. Checks that it printed all, or tells the rest as lost. Returns what
/// it printed, and how many were lost.
fn finish(mut watch: Watch, container: &str) -> (Vec<Value>, u64) {
    docker().cli(["exec", container, LAST, "0"]);
    let is_last =
        |event: &Value| text(event, "container.id") == container && text(event, "process.executable.path") == LAST;
    let mut events = watch.await_events_until("the last program", is_last);
    let (status, more) = watch.stop(libc::SIGTERM);
    events.extend(more);
    let log = watch.log();
    assert!(status.success(), "{status}\n{log}");
    let told = told(&watch);
    let missed = told["received"] - events.len() as u64;
    let expected = format!("{missed} because their reader is slow, {} because the ring was full", told["lost"]);
    assert!(missed + told["lost"] == 0 || log.contains(&expected), "{missed} were missed:\n{log}");
    (events, missed + told["lost"])
}

#[test]
#[ignore = "needs root and BTF"]
fn neither_it_nor_a_stalled_listener_disturbs_others() {
    let (mut exporter, mut noisy, mut quiet) = two_containers();
    let (mut stalled, other) = (Watch::start_unread(Path::new(BINARY), &config(), &KINDS), watch(&KINDS));
    let memory = [stalled.pid(), exporter.pid()].map(resident);
    sys::send(stalled.pid(), libc::SIGSTOP).expect("it runs");

    let before = exporter.scrape();
    let storm = format!("cpus=0,1 exec {FLOOD}");
    let begun = Instant::now();
    noisy.load.ask(&storm);
    for _ in 0..TRICKLE {
        quiet.load.run("exec 1");
        quiet.load.run("sleep 100");
    }
    noisy.load.answer(&storm);
    println!("{FLOOD} executions took {:?}", begun.elapsed());

    let change = exporter.scrape().since(&before);
    assert_eq!(rows(&change, &noisy).only(&["process_"]), executions(FLOOD));
    assert_eq!(rows(&change, &quiet).only(&["process_"]), executions(TRICKLE));
    assert_conserved(&exporter.scrape());

    let (events, lost) = finish(other, &quiet.id);
    let loads = [&noisy, &quiet].map(|container| of_the_load(&events, &container.id));
    assert_eq!((loads, lost), ([FLOOD, TRICKLE], 0));

    noisy.load.run(&format!("cpus=0,1 exec {LARGE_FLOOD}"));
    let change = exporter.scrape().since(&before);
    assert_eq!(rows(&change, &noisy).only(&["process_"]), executions(FLOOD + LARGE_FLOOD));
    // It goes on, but nobody reads what it prints.
    sys::send(stalled.pid(), libc::SIGCONT).expect("it is there");
    noisy.load.run("cpus=0,1 exec 1000");
    let grown = [stalled.pid(), exporter.pid()].map(resident);
    println!("resident memory: {memory:?}, then {grown:?} bytes");
    for (before, after) in memory.into_iter().zip(grown) {
        assert!(after < before + KEPT, "{before}, then {after} bytes");
    }
    stalled.read();
    let (_, lost) = finish(stalled, &quiet.id);
    assert!(lost > 0, "the ring has room for less than the flood");
}
