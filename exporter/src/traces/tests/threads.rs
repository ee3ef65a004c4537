//! Traces with their thread.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    time::Duration,
};

use super::{Recorded, read};
use crate::{
    identity::ignore::Ignore,
    traces::{Phase, Switch, Traces, Wanted},
};

/// Tells which kinds are attached and detached, and cannot attach one of them.
struct Programs(Sender<(&'static str, bool)>);

impl Switch<Wanted> for Programs {
    fn on(&mut self, wanted: Wanted) -> Result<(), String> {
        if wanted.kind.name() == "oom_kill" {
            return Err("this kernel has none".to_owned());
        }
        self.0.send((wanted.kind.name(), true)).map_err(|error| error.to_string())
    }

    fn off(&mut self, wanted: Wanted) {
        self.0.send((wanted.kind.name(), false)).expect("the test listens");
    }
}

fn traces() -> (Traces, Receiver<(&'static str, bool)>) {
    let (told, attached) = channel();
    let (traces, worker) = Traces::new(Recorded::default(), (), Ignore::default());
    worker.start(Programs(told)).expect("a thread");
    (traces, attached)
}

/// The next that is attached or detached.
fn next(attached: &Receiver<(&'static str, bool)>) -> (&'static str, bool) {
    attached.recv_timeout(Duration::from_secs(10)).expect("something is attached or detached")
}

#[test]
fn programs_come_with_the_first_and_go_with_the_last() {
    let (traces, attached) = traces();
    traces.create("a", read(r#"{"events": ["exec", "exit"]}"#)).expect("a trace");
    assert_eq!([next(&attached), next(&attached)], [("exec", true), ("exit", true)]);
    traces.create("b", read(r#"{"events": ["exec", "fork"]}"#)).expect("a trace");
    assert_eq!(next(&attached), ("fork", true));
    traces.delete("a").expect("there is one");
    assert_eq!(next(&attached), ("exit", false));
    traces.create("c", read(r#"{"events": ["fork"], "duration": "1ms"}"#)).expect("a trace");
    traces.delete("b").expect("there is one");
    assert_eq!([next(&attached), next(&attached)], [("exec", false), ("fork", false)]);
    let trace = traces.get("c").expect("it is kept");
    assert_eq!(trace.status.phase, Phase::Complete);
    assert!(trace.status.elapsed >= Duration::from_millis(1));
}

#[test]
fn what_cannot_be_attached_fails() {
    let (traces, attached) = traces();
    traces.create("a", read(r#"{"events": ["exec", "oom_kill"]}"#)).expect("a trace");
    assert_eq!([next(&attached), next(&attached)], [("exec", true), ("exec", false)]);
    let is_over = || traces.list().completed.pop();
    let trace = std::iter::repeat_with(is_over).find_map(|trace| trace).expect("it fails");
    assert_eq!((trace.status.phase, trace.status.message.as_str()), (Phase::Failed, "this kernel has none"));
    assert_eq!(traces.delete("a").map(|trace| trace.name), Ok("a".to_owned()));
}

#[test]
fn everything_ends_with_the_last_handle() {
    let (traces, attached) = traces();
    traces.create("a", read(r#"{"events": ["exec"]}"#)).expect("a trace");
    assert_eq!(next(&attached), ("exec", true));
    drop(traces);
    let end = attached.recv_timeout(Duration::from_secs(10));
    assert_eq!(end, Err(RecvTimeoutError::Disconnected), "the programs are gone");
}
