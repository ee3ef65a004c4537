//! A storm of signals from one container, faster than anybody reads, beside a trickle from another.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use doubleslit_testbed::{
    collector::{Collector, LogRecord},
    wait,
    watch::Watch,
};
use serde_json::Value;

use super::{
    config,
    flood::{KEPT, resident, told},
    text, watch,
};
use crate::{
    harness::{BINARY, assert_conserved, docker, rows},
    otlp::exporting,
};

/// Signals of the storm. Each is two events: generated and delivered.
const STORM: u64 = 3_000_000;

/// Signals of the trickle: ten a second.
const TRICKLE: u64 = 50;

/// Nobody else sends it.
const SIGNAL: &str = "SIGUSR2";

/// Events of each kind that are sent of each container a second.
const SHARE: u64 = 100;

/// Bytes by which an exporter may grow: the queue to its collector, batches under way, and what the allocator keeps.
const GROWTH: u64 = 8 << 20;

const KINDS: [&str; 2] = ["signal_generate", "signal_deliver"];

/// The weights of a container's events of a kind.
fn weights(events: &[(&str, &str, &Value)], kind: &str, id: &str) -> Vec<u64> {
    let of_it = events.iter().filter(|(its_kind, container, _)| (*its_kind, *container) == (kind, id));
    of_it.map(|(_, _, weight)| weight.as_u64().unwrap_or_else(|| panic!("no weight: {weight:?}"))).collect()
}

fn printed(event: &Value) -> (&str, &str, &Value) {
    (text(event, "event"), text(event, "container.id"), &event["doubleslit.weight"])
}

fn received(record: &LogRecord) -> (&str, &str, &Value) {
    let attribute = |name| record.attributes.get(name).unwrap_or(&Value::Null);
    let kind = if record.event_name.ends_with("deliver") { "signal_deliver" } else { "signal_generate" };
    (kind, attribute("container.id").as_str().unwrap_or_default(), attribute("doubleslit.weight"))
}

/// Checks that all of the trickle came as it was, and that all of the storm is in the weights of a fair share.
fn check<'a>(events: &[(&'a str, &'a str, &'a Value)], noisy: &str, quiet: &str, seconds: u64) {
    for kind in KINDS {
        assert_eq!(weights(events, kind, quiet), vec![1; TRICKLE as usize + 2]);
        let of_noisy = weights(events, kind, noisy);
        assert_eq!(of_noisy.iter().sum::<u64>(), STORM + 2);
        assert!(of_noisy.len() as u64 <= SHARE * (seconds + 1) + 2, "{} in {seconds} s", of_noisy.len());
    }
}

#[test]
#[ignore = "needs root and BTF"]
fn takes_nothing_from_others() {
    let mut collector = Collector::start();
    let (mut noisy, mut quiet) = (docker().load("noisy", &[]), docker().load("quiet", &[]));
    let mut exporter = exporting(&collector, "http/protobuf", "logs: {queue_bytes: 1048576}")
        .config(&format!("events: {{select: [{{signal: {SIGNAL}}}], sample: [{{per_second: {SHARE}}}]}}"))
        .start();
    let select = format!("signal={SIGNAL}");
    let mut sampled = watch(&["--select", &select, "--sample", &format!("per_second={SHARE}")]);
    let mut stalled = Watch::start_unread(Path::new(BINARY), &config(), &["--select", &select]);
    // What is allocated once is there.
    for container in [&mut noisy, &mut quiet] {
        container.load.run(&format!("signal {} 1", libc::SIGUSR2));
    }
    collector.await_received("the first", |received| received.logs.len() == 4);
    let [stalled_before, exporter_before] = [stalled.pid(), exporter.pid()].map(resident);

    let before = exporter.scrape();
    let storm = format!("cpus=0,1 signal {} {STORM}", libc::SIGUSR2);
    let begun = Instant::now();
    noisy.load.ask(&storm);
    for _ in 0..TRICKLE {
        quiet.load.run(&format!("signal {} 1", libc::SIGUSR2));
        quiet.load.run("sleep 100");
    }
    let grown = resident(exporter.pid());
    noisy.load.answer(&storm);
    let took = begun.elapsed();
    println!("{} events in {took:?}", 2 * STORM);
    assert!(grown < exporter_before + GROWTH, "{exporter_before}, then {grown} bytes");
    let kept = resident(stalled.pid());
    println!(
        "resident: the exporter {exporter_before}, then {grown}; who is not read {stalled_before}, then {kept} bytes"
    );
    assert!(kept < stalled_before + KEPT, "{stalled_before}, then {kept} bytes");

    let change = exporter.scrape().since(&before);
    for (container, count) in [(&noisy, STORM), (&quiet, TRICKLE)] {
        for row in ["signals_generated", "signals_delivered"] {
            assert_eq!(rows(&change, container).only(&[row]).0.values().sum::<f64>(), count as f64);
        }
    }
    assert_conserved(&exporter.scrape());

    // The first of another second stands also for those of the storm that were not sent before it.
    wait::until("another second", || (begun.elapsed() > took + Duration::from_secs(1)).then_some(()));
    for container in [&mut noisy, &mut quiet] {
        container.load.run(&format!("signal {} 1", libc::SIGUSR2));
    }
    let seconds = begun.elapsed().as_secs() + 1;
    collector.await_received("the last", |all| {
        let events: Vec<_> = all.logs.iter().map(received).collect();
        KINDS.into_iter().all(|kind| {
            weights(&events, kind, &noisy.id).iter().sum::<u64>() == STORM + 2
                && weights(&events, kind, &quiet.id).len() as u64 == TRICKLE + 2
        })
    });
    let logs = &collector.received().logs;
    check(&logs.iter().map(received).collect::<Vec<_>>(), &noisy.id, &quiet.id, seconds);
    let scrape = exporter.scrape();
    for kind in KINDS {
        let fate = |fate: &str| scrape.sum(&format!("doubleslit_events_{fate}_total"), &[("event", kind)]);
        let came = logs.iter().filter(|log| received(log).0 == kind).count() as f64;
        assert_eq!((fate("received"), fate("lost")), (came, 0.0), "{kind}");
        assert_eq!(fate("sampled_out"), (STORM + TRICKLE + 4) as f64 - came, "{kind}");
        assert_eq!(fate("generated"), fate("received") + fate("sampled_out") + fate("filtered"), "{kind}");
    }
    let (status, events) = sampled.stop(libc::SIGTERM);
    assert!(status.success(), "{}", sampled.log());
    check(&events.iter().map(printed).collect::<Vec<_>>(), &noisy.id, &quiet.id, seconds);

    stalled.read();
    let (status, events) = stalled.stop(libc::SIGTERM);
    let told = told(&stalled);
    assert!(status.success() && told["lost"] + told["received"] - events.len() as u64 > 0, "{told:?}");
    assert_eq!(told["lost"] + told["received"], 2 * (STORM + TRICKLE + 4), "{told:?}");
}
