//! A ring that is full: whose events are lost.

use doubleslit_testbed::{
    collector::{Collector, LogRecord},
    scrape::Scrape,
    wait,
};
use serde_json::{Value, json};

use crate::{
    harness::{assert_conserved, docker, executions, rows},
    otlp::exporting,
};

/// What a container lost, of one kind.
fn lost(scrape: &Scrape, id: &str, event: &str) -> f64 {
    scrape.sum("doubleslit_ringbuf_events_lost_total", &[("container_id", id), ("event", event)])
}

#[test]
#[ignore = "needs root and BTF"]
fn each_loss_is_counted_for_its_owner() {
    let mut collector = Collector::start();
    let (mut noisy, mut quiet) = (docker().load("lost-noisy", &[]), docker().load("lost-quiet", &[]));
    let select = format!("{{event: [exec, exit], container_id: [{}, {}]}}", noisy.id, quiet.id);
    let mut exporter = exporting(&collector, "http/protobuf", "logs: {linger: 10ms}")
        .config(&format!("events: {{ring_bytes: 65536, select: [{select}]}}"))
        .start();
    let before = exporter.scrape();
    // Nobody reads the ring meanwhile.
    exporter.stall();
    quiet.load.run("exec 20");
    noisy.load.run("cpus=0,1 exec 2000");
    quiet.load.run("exec 300");
    exporter.go_on();

    let change = exporter.scrape().since(&before);
    assert_eq!(rows(&change, &noisy).only(&["process_"]), executions(2000));
    assert_eq!(rows(&change, &quiet).only(&["process_"]), executions(320));
    let scrape = wait::until("the ring is empty", || {
        let scrape = exporter.scrape();
        let count = |name: &str| scrape.sum(&format!("doubleslit_events_{name}_total"), &[]);
        let gone = count("received") + count("lost") + count("filtered") + count("sampled_out");
        (count("generated") == gone && scrape.sum("doubleslit_otlp_queue_length", &[]) == 0.0).then_some(scrape)
    });
    assert_conserved(&scrape);
    for event in ["exec", "exit"] {
        let all = scrape.sum("doubleslit_events_lost_total", &[("event", event), ("reason", "ringbuf_full")]);
        let by_owner = scrape.sum("doubleslit_ringbuf_events_lost_total", &[("event", event)]);
        assert_eq!(by_owner, all, "lost events of the kind {event}");
        for (container, count) in [(&noisy, 2000), (&quiet, 320)] {
            let name = json!(container.id);
            let is_own = |record: &&LogRecord| {
                record.event_name == format!("doubleslit.process.{event}")
                    && record.attributes.get("container.id") == Some(&name)
                    && record
                        .attributes
                        .get("doubleslit.process.parent.comm")
                        .and_then(Value::as_str)
                        .is_some_and(|comm| comm.starts_with("doubleslit"))
            };
            let lost = lost(&scrape, &container.id, event);
            println!("{event} of {}: {count}, lost {lost}", container.name);
            assert!(lost > 0.0, "the ring is smaller than that");
            let received = count - lost as usize;
            collector.await_received("what was not lost", |all| all.logs.iter().filter(is_own).count() == received);
        }
    }
    assert_eq!(
        lost(&scrape, &noisy.id, "exec") + lost(&scrape, &quiet.id, "exec"),
        scrape.sum("doubleslit_events_lost_total", &[("event", "exec")])
    );
}
