use std::time::SystemTime;

use super::*;
use crate::{
    events::event::{Details, Exec},
    identity::CgroupId,
};

/// Events that are told apart by their cgroups.
fn events(cgroups: std::ops::Range<u64>) -> Vec<Event> {
    let event = |cgroup| Event {
        time: SystemTime::UNIX_EPOCH,
        cgroup: CgroupId(cgroup),
        cgroup_path: Arc::default(),
        identity: Arc::default(),
        users: None,
        weight: 1,
        listeners: 1,
        cpu: 0,
        process: None,
        details: Details::Exec(Exec::default()),
    };
    cgroups.map(event).collect()
}

/// Takes all there is after the hub was closed: the cgroups, and how many were missed.
async fn rest(subscription: &mut Subscription) -> (Vec<u64>, u64) {
    let (mut cgroups, mut all_missed) = (Vec::new(), 0);
    while let Some((batch, missed)) = subscription.next().await {
        all_missed += missed;
        cgroups.extend(batch.events.iter().map(|event| event.cgroup.0));
    }
    (cgroups, all_missed)
}

#[tokio::test]
async fn hands_batches_of_any_size_to_everybody() {
    let hub = Hub::default();
    let mut subscriptions: Vec<_> = (0..100).map(|_| hub.subscribe("many")).collect();
    for cgroups in [0..1, 1..1, 1..6000, 6000..6002] {
        hub.publish(events(cgroups));
    }
    hub.close();
    for subscription in &mut subscriptions {
        assert_eq!(rest(subscription).await, ((0..6002).collect(), 0));
    }
    assert_eq!(hub.missed(), BTreeMap::from([("many", 0)]));
}

/// Batches have different sizes, so that a number of batches is none of events.
#[tokio::test]
async fn tells_a_slow_subscriber_how_many_it_missed() {
    let hub = Hub::default();
    let (mut slow, mut quick) = (hub.subscribe("slow"), hub.subscribe("quick"));
    let (mut end, mut quick_ones, mut starts) = (0, Vec::new(), Vec::new());
    for size in 1..=3 * BATCHES as u64 {
        starts.push(end);
        hub.publish(events(end..end + size));
        end += size;
        let (batch, missed) = quick.next().await.expect("there is one");
        assert_eq!(missed, 0);
        quick_ones.extend(batch.events.iter().map(|event| event.cgroup.0));
    }
    assert_eq!(quick_ones, (0..end).collect::<Vec<_>>());
    let first_kept = starts[2 * BATCHES];
    let (batch, missed) = slow.next().await.expect("there are some");
    assert_eq!((batch.events[0].cgroup.0, missed), (first_kept, first_kept));

    // Missed again, after some that it received.
    let received = batch.events.len() as u64;
    for _ in 0..2 * BATCHES as u64 {
        hub.publish(events(end..end + 7));
        end += 7;
    }
    hub.close();
    let (cgroups, missed_again) = rest(&mut slow).await;
    assert_eq!(cgroups, (end - 7 * BATCHES as u64..end).collect::<Vec<_>>());
    assert_eq!(missed + received + missed_again + cgroups.len() as u64, end);
    assert_eq!(hub.missed()["slow"], missed + missed_again);
    // Nobody takes from this one meanwhile.
    assert_eq!(hub.missed()["quick"], 0);
    assert_eq!(rest(&mut quick).await, ((end - 7 * BATCHES as u64..end).collect(), 7 * BATCHES as u64));
    assert_eq!(hub.missed()["quick"], 7 * BATCHES as u64);
}

#[tokio::test]
async fn whoever_is_gone_misses_nothing_and_disturbs_nobody() {
    let hub = Hub::default();
    hub.publish(events(0..10));
    let (gone, mut stays) = (hub.subscribe("gone"), hub.subscribe("stays"));
    drop(gone);
    for _ in 0..BATCHES {
        hub.publish(events(10..12));
    }
    let mut late = hub.subscribe("late");
    hub.publish(events(12..13));
    hub.close();
    assert_eq!(rest(&mut late).await, (vec![12], 0));
    let (cgroups, missed) = rest(&mut stays).await;
    assert_eq!((cgroups.len() as u64, missed), (2 * (BATCHES as u64 - 1) + 1, 2));
    assert_eq!(hub.missed(), BTreeMap::from([("gone", 0), ("late", 0), ("stays", 2)]));
    assert!(hub.subscribe("after the end").next().await.is_none());
}
