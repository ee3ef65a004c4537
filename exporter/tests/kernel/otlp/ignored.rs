use doubleslit_testbed::{
    collector::{Collector, LogRecord},
    scrape::{Rows, Scrape},
    wait,
};
use serde_json::{Value, json};

use super::{Counted, await_until_now, executions_of, exporting};
use crate::harness::{assert_conserved, docker, rows};

/// How many events of a kind were kept back.
fn filtered(scrape: &Scrape, event: &str) -> f64 {
    scrape.sum("doubleslit_events_filtered_total", &[("event", event)])
}

#[test]
#[ignore = "needs root and BTF"]
fn containers_that_are_ignored_send_nothing_and_are_accounted_for() {
    let mut collector = Collector::start();
    let mut exporter = exporting(&collector, "http/protobuf", "logs: {linger: 10ms}")
        .config("ignore: [{container: 'unseen-*'}, {label: doubleslit.io/ignore=true}]")
        .config("events: {select: [{event: [exec, container]}]}")
        .start();
    let mut by_name = docker().load("unseen-1", &[]);
    let mut by_label = docker().load("unlisted", &["--label=doubleslit.io/ignore=true"]);
    let mut web = docker().load("seen", &[]);
    await_until_now(&mut collector, &web);
    wait::until("two starts are kept back", || (filtered(&exporter.scrape(), "container_start") == 2.0).then_some(()));

    let before = exporter.scrape();
    by_name.load.run("exec 10");
    web.load.run("exec 30");
    by_label.load.run("exec 20");
    await_until_now(&mut collector, &web);
    let scrape = exporter.scrape();
    let change = scrape.since(&before);
    assert_eq!(filtered(&change, "exec"), 30.0);
    assert_eq!(change.sum("doubleslit_events_ignored_total", &[("event", "exec")]), 30.0);
    assert_eq!(
        rows(&change, &web).only(&["process_exits outcome=success"]),
        Rows::of([("process_exits outcome=success", 31)])
    );
    assert_conserved(&scrape);

    let ids = [&by_name, &by_label].map(|container| container.id.clone());
    drop((by_name, by_label));
    wait::until("two stops are kept back", || (filtered(&exporter.scrape(), "container_stop") == 2.0).then_some(()));
    await_until_now(&mut collector, &web);
    wait::until("everything is acknowledged", || {
        let Counted { accepted, exported, dropped, queued: _ } = Counted::now(&mut exporter);
        (accepted == exported && dropped == 0.0).then_some(())
    });
    let scrape = exporter.scrape();
    assert_eq!(scrape.sum("doubleslit_events_lost_total", &[]), 0.0);
    assert_eq!((filtered(&scrape, "container_start"), filtered(&scrape, "container_stop")), (2.0, 2.0));
    let received = collector.received();
    assert_eq!(executions_of(received, &web.id), 30);
    let starts = |record: &&LogRecord| record.event_name == "doubleslit.container.start" && is_of(record, &web.id);
    assert_eq!(received.logs.iter().filter(starts).count(), 1);
    for id in ids {
        let tells = |record: &&LogRecord| record.attributes.values().any(|value| mentions(value, &id));
        assert_eq!(received.logs.iter().find(tells), None, "{id}");
    }
}

fn is_of(record: &LogRecord, container: &str) -> bool {
    record.attributes.get("container.id") == Some(&json!(container))
}

fn mentions(value: &Value, id: &str) -> bool {
    value.as_str().is_some_and(|text| text.contains(id))
}
