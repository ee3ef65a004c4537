use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use bytes::Bytes;
use prost::Message as _;

use super::super::{
    batch::Batch,
    delivery::Delivered,
    messages::{Request, Resourced},
    queue::{Next, Queue},
    record::Record,
    totals::{Dropped, Totals},
};
use crate::config::otlp;

const LINGER: Duration = Duration::from_secs(1);

fn settings(bytes: usize, records: Option<usize>, directory: Option<&Path>) -> otlp::Logs {
    let config = crate::config::load(
        None,
        [("OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(), "http://a".to_owned())],
        &crate::config::Flags::default(),
    );
    let logs = config.expect("valid").otlp.logs.expect("logs are sent");
    let queue = otlp::Queue { bytes, records, directory: directory.map(Path::to_owned) };
    otlp::Logs { batch: 3, linger: LINGER, queue, ..logs }
}

fn queue(bytes: usize, records: Option<usize>, directory: Option<&Path>) -> Queue {
    Queue::open(&settings(bytes, records, directory)).expect("a queue can be opened")
}

fn records(bodies: &[&'static str]) -> Vec<Record> {
    bodies
        .iter()
        .map(|body| Record { resource: Bytes::from_static(b"r"), body: Bytes::from_static(body.as_bytes()) })
        .collect()
}

/// What is in a request.
fn bodies(next: &Next) -> Vec<String> {
    let request = Request::decode(next.body.clone()).expect("a request");
    let resourced = request.resourced.into_iter().map(|it| Resourced::decode(it).expect("a resource"));
    let items = resourced.flat_map(|it| it.scoped).flat_map(|it| it.items);
    items.map(|item| String::from_utf8(item.to_vec()).expect("text")).collect()
}

/// The totals without requests; what was accepted must be somewhere.
fn totals(queue: &Queue) -> Totals {
    let totals = queue.totals();
    let Totals { accepted, exported, rejected, failed, dropped, queued, queue_bytes, queue_capacity, .. } = totals;
    assert_eq!(accepted, exported + rejected + failed + dropped.iter().sum::<u64>() + queued, "{totals:?}");
    assert!(queue_bytes <= queue_capacity, "{totals:?}");
    totals
}

fn dropped(totals: &Totals, reason: Dropped) -> u64 {
    totals.dropped[reason as usize]
}

async fn next(queue: &Queue) -> Next {
    queue.next().await.expect("there is one")
}

const TAKEN: Delivered = Delivered::Taken { rejected: 0 };

#[tokio::test]
async fn requests_come_in_order_when_they_are_full_late_or_the_last() {
    let queue = queue(10_000, None, None);
    let begun = Instant::now();
    queue.add(0, records(&["1", "2", "3", "4"]), begun);
    queue.seal_late(begun + LINGER - Duration::from_nanos(1));
    let first = next(&queue).await;
    assert_eq!(bodies(&first), ["1", "2", "3"]);
    assert_eq!(next(&queue).await, first, "it stays until it is settled");
    queue.settle(&first, TAKEN).await;

    assert_eq!(queue.late_at(), Some(begun + LINGER));
    queue.seal_late(begun + LINGER);
    let second = next(&queue).await;
    assert_eq!(bodies(&second), ["4"]);
    queue.settle(&second, TAKEN).await;

    queue.add(0, records(&["5"]), begun);
    queue.close();
    let third = next(&queue).await;
    assert_eq!(bodies(&third), ["5"]);
    queue.settle(&third, TAKEN).await;
    assert_eq!(queue.next().await, None);
    assert_eq!((totals(&queue).exported, totals(&queue).queue_bytes), (5, 0));
}

#[tokio::test]
async fn every_record_has_one_end() {
    let queue = queue(10_000, None, None);
    queue.add(7, records(&["1", "2", "3", "4", "5", "6", "7"]), Instant::now());
    let first = next(&queue).await;
    queue.settle(&first, Delivered::Taken { rejected: 2 }).await;
    let second = next(&queue).await;
    queue.settle(&second, Delivered::GivenUp).await;
    queue.settle(&second, TAKEN).await;
    let totals = totals(&queue);
    assert_eq!((totals.accepted, totals.exported, totals.rejected, totals.failed, totals.queued), (14, 1, 2, 3, 1));
    assert_eq!(dropped(&totals, Dropped::Missed), 7);
    queue.abandon();
    let totals = self::totals(&queue);
    assert_eq!((dropped(&totals, Dropped::Shutdown), totals.queued, totals.queue_bytes), (1, 0, 0));
}

#[tokio::test]
async fn a_full_queue_drops_the_newest() {
    // Requests of one and of two records, at most.
    let sizes = [1, 2].map(|count| {
        let mut batch = Batch::default();
        records(&["1", "2"]).into_iter().take(count).for_each(|record| batch.add(record, Instant::now()));
        batch.bytes()
    });
    for (bytes, limit, kept) in [
        (sizes[0] - 1, None, &[][..]),
        (sizes[0], None, &["1"]),
        (sizes[1] - 1, None, &["1"]),
        (sizes[1], None, &["1", "2"]),
        (10_000, Some(1), &["1"]),
        (10_000, Some(2), &["1", "2"]),
    ] {
        let queue = queue(bytes, limit, None);
        queue.add(0, records(&["1", "2", "3"]), Instant::now());
        let totals = totals(&queue);
        assert_eq!((totals.queued, dropped(&totals, Dropped::QueueFull)), (kept.len() as u64, 3 - kept.len() as u64));
        queue.close();
        match queue.next().await {
            Some(next) => assert_eq!(bodies(&next), kept),
            None => assert!(kept.is_empty()),
        }
    }
}

#[tokio::test]
async fn there_is_room_again_when_a_request_is_settled() {
    let queue = queue(10_000, Some(3), None);
    queue.add(0, records(&["1", "2", "3", "4"]), Instant::now());
    let first = next(&queue).await;
    queue.settle(&first, Delivered::GivenUp).await;
    queue.add(0, records(&["5"]), Instant::now());
    let totals = totals(&queue);
    assert_eq!((totals.failed, totals.queued, dropped(&totals, Dropped::QueueFull)), (3, 1, 1));
}

#[tokio::test]
async fn a_directory_keeps_what_was_not_taken() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let first_life = queue(1 << 20, None, Some(directory.path()));
    first_life.add(0, records(&["1", "2", "3", "4", "5", "6", "7"]), Instant::now());
    first_life.store().await;
    let first = next(&first_life).await;
    assert_eq!(bodies(&first), ["1", "2", "3"]);
    first_life.settle(&first, TAKEN).await;
    Queue::open(&settings(1 << 20, None, Some(directory.path()))).expect_err("it belongs to one");
    first_life.close();
    first_life.store().await;
    first_life.abandon();
    assert_eq!((totals(&first_life).queued, totals(&first_life).exported), (4, 3));
    drop(first_life);

    let second_life = queue(1 << 20, None, Some(directory.path()));
    assert_eq!((totals(&second_life).accepted, totals(&second_life).queued), (4, 4));
    second_life.add(0, records(&["8", "9", "10"]), Instant::now());
    second_life.close();
    for expected in [&["4", "5", "6"][..], &["7"], &["8", "9", "10"]] {
        let next = next(&second_life).await;
        assert_eq!(bodies(&next), expected);
        second_life.settle(&next, TAKEN).await;
        second_life.store().await;
    }
    assert_eq!(second_life.next().await, None);
    assert_eq!((totals(&second_life).exported, totals(&second_life).queue_bytes), (7, 0));
    let left = fs::read_dir(directory.path()).expect("it is there").map(|entry| entry.expect("readable").file_name());
    assert_eq!(left.collect::<Vec<_>>(), ["lock"]);
}

#[tokio::test]
async fn a_damaged_file_takes_only_its_own_records() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let file = |number: u64| directory.path().join(format!("{number}.request"));
    {
        let queue = queue(1 << 20, None, Some(directory.path()));
        queue.add(0, records(&["1", "2", "3", "4", "5", "6", "7", "8", "9"]), Instant::now());
        queue.store().await;
    }
    let torn = fs::read(file(2)).expect("it is there");
    fs::write(file(2), &torn[..torn.len() - 1]).expect("it can be written");
    fs::write(directory.path().join("3.unfinished"), "half").expect("it can be written");

    let queue = queue(1 << 20, None, Some(directory.path()));
    assert_eq!((totals(&queue).accepted, totals(&queue).queued), (6, 6));
    // Damaged while it waits.
    fs::write(file(0), "x").expect("it can be written");
    let first = next(&queue).await;
    assert_eq!(bodies(&first), ["4", "5", "6"]);
    let totals = totals(&queue);
    assert_eq!((totals.queued, dropped(&totals, Dropped::Disk)), (3, 3));
}

#[tokio::test]
async fn a_directory_that_cannot_be_written_loses_only_what_is_new() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let queue = queue(1 << 20, None, Some(directory.path()));
    fs::create_dir(directory.path().join("0.unfinished")).expect("it can be made");
    queue.add(0, records(&["1", "2", "3", "4", "5", "6"]), Instant::now());
    queue.store().await;
    let first = next(&queue).await;
    assert_eq!(bodies(&first), ["4", "5", "6"]);
    assert_eq!(dropped(&totals(&queue), Dropped::Disk), 3);
}

#[tokio::test]
async fn a_directory_is_bounded_by_what_its_files_take() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let queue = queue(2 * 4096, None, Some(directory.path()));
    queue.add(0, records(&["1", "2", "3", "4", "5", "6", "7"]), Instant::now());
    let totals = totals(&queue);
    assert_eq!((totals.queued, totals.queue_bytes, dropped(&totals, Dropped::QueueFull)), (6, 8192, 1));
}

#[tokio::test]
async fn files_are_synced_once_and_only_when_they_wait() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let queue = queue(1 << 20, None, Some(directory.path()));
    let add = || queue.add(0, records(&["1", "2", "3"]), Instant::now());
    let take = async || {
        let next = next(&queue).await;
        queue.settle(&next, TAKEN).await;
    };
    add();
    queue.store().await;
    assert_eq!(queue.sync_old().await, 0, "it has just come");
    take().await;
    add();
    add();
    queue.store().await;
    add();
    assert_eq!(queue.sync_old().await, 0, "the first is gone");
    assert_eq!(queue.sync_old().await, 2, "those that are files");
    queue.store().await;
    assert_eq!((queue.sync_old().await, queue.sync_old().await, queue.sync_old().await), (0, 1, 0));
    add();
    add();
    queue.store().await;
    take().await;
    assert_eq!((queue.sync_all().await, queue.sync_all().await), (2, 0));
}
