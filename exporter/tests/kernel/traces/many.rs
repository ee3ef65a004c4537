//! Many traces at once, and more events than fit.

use std::collections::BTreeSet;

use doubleslit_testbed::wait;

use super::{Tracing, programs};
use crate::harness::docker;

#[test]
#[ignore = "needs root and BTF"]
fn sixty_four_at_once() {
    let mut web = docker().load("trace-many", &[]);
    let tracing = Tracing::start("");
    let names: Vec<_> = (0..64).map(|number| format!("t{number}")).collect();
    for (number, name) in names.iter().enumerate() {
        let (kind, rate) = if number % 2 == 0 { ("exec", 1) } else { ("exit", 2) };
        tracing.run(name, &format!(r#"{{"containers": ["trace-many"], "events": ["{kind}"], "sampleRate": {rate}}}"#));
        tracing.until_about(name, &web);
    }
    assert_eq!(tracing.traces().list().running.len(), 64);
    assert_eq!(tracing.filters().len(), 2, "they share what the kernel is asked for");
    web.load.run("exec 50");
    for (number, name) in names.iter().enumerate() {
        let status = tracing.until(name, "the events", |status| status.hits >= 50);
        let expected = if number % 2 == 0 { 50 } else { 25 };
        assert_eq!((status.hits, status.events, status.lost), (50, expected, 0), "{name}");
    }
    for name in &names {
        tracing.traces().delete(name).expect("there is one");
    }
    assert_eq!(tracing.filters(), BTreeSet::new());
    wait::until("the programs are detached", || programs().is_empty().then_some(()));
}

#[test]
#[ignore = "needs root and BTF"]
fn what_finds_no_room_is_counted_for_who_wants_it() {
    let mut web = docker().load("trace-lost", &[]);
    let tracing = Tracing::start("events: {ring_bytes: 65536}");
    tracing.run("executions", r#"{"containers": ["trace-lost"], "events": ["exec"]}"#);
    tracing.run("others", r#"{"containers": ["nobody"], "events": ["exec"]}"#);
    tracing.until_about("executions", &web);
    // Nobody reads the ring meanwhile: its reader runs on the only thread.
    let (go_on, wait) = std::sync::mpsc::channel::<()>();
    tracing.runtime.spawn(async move { wait.recv().is_err() });
    web.load.run("exec 2000");
    drop(go_on);
    let status = tracing.until("executions", "everything", |status| status.hits + status.lost >= 2000);
    println!("{} came, {} found no room", status.hits, status.lost);
    assert_eq!(status.hits + status.lost, 2000);
    assert!(status.lost > 0, "the ring is smaller than that");
    assert_eq!(tracing.status("others").lost, 0);
}
