use doubleslit_testbed::{collector::Collector, exporter::Exporter, wait};
use tempfile::TempDir;

use super::{Counted, PROTOCOLS, await_until_now, different, executions_of, exporting_executions};
use crate::harness::{docker, executions, rows};

const QUICK: &str = "timeout: 1s, logs: {linger: 10ms}";

/// Waits until the collector has all that was exported, and nothing waits.
fn await_settled(exporter: &mut Exporter, collector: &mut Collector) -> Counted {
    wait::until("everything is settled", || {
        let before = Counted::now(exporter);
        let received = different(collector.received()) as f64;
        let after = Counted::now(exporter);
        (before == after && after.queued == 0.0 && received == after.exported).then_some(after)
    })
}

#[test]
#[ignore = "needs root and BTF"]
fn a_crash_of_the_collector_costs_nothing_while_there_is_room() {
    let mut container = docker().load("crash", &[]);
    for protocol in PROTOCOLS {
        let mut collector = Collector::start();
        let mut exporter = exporting_executions(&container, &collector, protocol, QUICK).start();
        container.load.run("exec 50");
        collector.await_received("the first", |received| executions_of(received, &container.id) == 50);
        collector.kill();
        let change = exporter.during(|| drop(container.load.run("exec 60")));
        assert_eq!(rows(&change, &container).only(&["process_execs"]), executions(60).only(&["process_execs"]));
        collector.start_again();
        container.load.run("exec 70");
        collector.await_received("all", |received| executions_of(received, &container.id) == 180);
        let counted = await_settled(&mut exporter, &mut collector);
        assert_eq!((counted.accepted, counted.dropped), (180.0, 0.0));
    }
}

#[test]
#[ignore = "needs root and BTF"]
fn what_finds_no_room_is_counted_one_by_one() {
    let mut container = docker().load("full", &[]);
    for is_crash in [true, false] {
        let mut collector = Collector::start();
        let otlp = "timeout: 1s, logs: {linger: 10ms, queue_bytes: 262144, batch: 8}";
        let mut exporter = exporting_executions(&container, &collector, "http/protobuf", otlp).start();
        container.load.run("exec 10");
        collector.await_received("the first", |received| executions_of(received, &container.id) == 10);
        if is_crash {
            collector.kill()
        } else {
            collector.stall()
        }
        let change = exporter.during(|| drop(container.load.run("exec 2000")));
        assert_eq!(rows(&change, &container).only(&["process_execs"]), executions(2000).only(&["process_execs"]));
        wait::until("the queue is full", || {
            let scrape = exporter.scrape();
            let counted = Counted::of(&scrape);
            assert!(scrape.sum("doubleslit_otlp_queue_bytes", &[]) <= 262144.0);
            (counted.dropped > 0.0).then_some(())
        });
        if is_crash {
            collector.start_again()
        } else {
            collector.go_on()
        }
        wait::until("there is room", || (Counted::now(&mut exporter).queued == 0.0).then_some(()));
        container.load.run("exec 20");
        await_until_now(&mut collector, &container);
        let counted = await_settled(&mut exporter, &mut collector);
        let received = different(collector.received());
        assert_eq!(counted.accepted - received as f64, counted.dropped, "{counted:?}");
        let missing = 2030 - executions_of(collector.received(), &container.id);
        assert!(missing > 0);
        assert_eq!(missing as f64, counted.dropped, "{counted:?}");
    }
}

#[test]
#[ignore = "needs root and BTF"]
fn what_cannot_be_sent_in_time_is_counted_at_the_end() {
    let mut container = docker().load("late", &[]);
    let mut collector = Collector::start();
    let mut exporter =
        exporting_executions(&container, &collector, "http/protobuf", "shutdown: 100ms, logs: {linger: 10ms}").start();
    container.load.run("exec 10");
    await_until_now(&mut collector, &container);
    await_settled(&mut exporter, &mut collector);
    collector.kill();
    container.load.run("exec 30");
    let (status, _, log) = exporter.stop();
    assert!(status.success(), "{log}");
    let last = log.lines().find(|line| line.contains("not all events were exported")).expect("it is told");
    let number = |name: &str| -> usize {
        let text = last.split(&format!("{name}=")).nth(1).expect("it is there");
        text.split_whitespace().next().expect("a number").parse().expect("a number")
    };
    assert_eq!((number("exported"), number("queued")), (different(collector.received()), 0));
    assert_eq!(number("dropped"), 30, "{last}");
}

#[test]
#[ignore = "needs root and BTF"]
fn a_queue_on_disk_outlives_crashes_standstills_and_the_exporter() {
    let directory = TempDir::new().expect("a directory can be made");
    let otlp = format!(
        "timeout: 1s, shutdown: 100ms, logs: {{linger: 10ms, directory: '{}'}}",
        directory.path().join("queue").display()
    );
    let mut collector = Collector::start();
    let mut container = docker().load("disk", &[]);
    let mut exporter = exporting_executions(&container, &collector, "grpc", &otlp).start();
    container.load.run("exec 100");
    collector.await_received("the first", |received| executions_of(received, &container.id) == 100);
    collector.kill();
    container.load.run("exec 200");
    collector.start_again();
    container.load.run("exec 300");
    collector.stall();
    container.load.run("exec 400");
    assert_eq!(Counted::now(&mut exporter).dropped, 0.0);
    let (status, _, log) = exporter.stop();
    assert!(status.success() && !log.contains("not all events"), "{log}");
    collector.go_on();
    let mut exporter = exporting_executions(&container, &collector, "grpc", &otlp).start();
    container.load.run("exec 500");
    collector.await_received("all", |received| executions_of(received, &container.id) == 1500);
    assert_eq!(Counted::now(&mut exporter).dropped, 0.0);
    wait::until("nothing waits", || (Counted::now(&mut exporter).queued == 0.0).then_some(()));
}
