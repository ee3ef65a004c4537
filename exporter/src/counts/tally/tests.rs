mod histograms;
mod labels;
mod limits;
mod property;
mod terms;

use doubleslit_common::probes::signal;

use super::*;
use crate::{
    counts::{fake::FakeSource, snapshot::Folded},
    identity::{Runtime, labels::IdentityLabel},
    probes::{OTHER_DETAIL, syscall::Calls},
};

const GRACE: Duration = Duration::from_secs(300);

fn container(id: u64, name: &str) -> Cgroup {
    cgroup(
        id,
        true,
        Identity {
            scope: Scope::Container,
            runtime: Some(Runtime::Docker),
            container_id: format!("{id:064x}"),
            container: name.to_owned(),
            ..Identity::default()
        },
    )
}

fn cgroup(id: u64, own: bool, identity: Identity) -> Cgroup {
    let path = format!("/{id}").into();
    Cgroup { id: CgroupId(id), path, identity: Arc::new(identity), own, started: None, removed_at: None, users: None }
}

fn settings(labels: &[IdentityLabel]) -> Settings {
    Settings {
        labels: RowLabels { identity: labels.to_vec(), ..RowLabels::default() },
        grace: GRACE,
        limits: Limits::default(),
        ignore: Ignore::default(),
        calls: Calls::default(),
        calls_of: Owners::default(),
        begun: SystemTime::now(),
        settled: PerKind::default(),
    }
}

fn tally(labels: &[IdentityLabel]) -> Tally {
    Tally::new(settings(labels))
}

const BOTH: [IdentityLabel; 2] = [IdentityLabel::Container, IdentityLabel::ContainerId];

fn retire(tally: &mut Tally, now: Instant, source: &mut FakeSource) -> Vec<CgroupId> {
    let (gone, result) = tally.retire(now, source);
    result.expect("a fake cannot fail");
    gone
}

/// The value of a row, by the value of its first label; nothing when there is no such row.
fn row(snapshot: &Snapshot, label: &str, kind: Kind) -> Option<u64> {
    let subject = snapshot.subjects.iter().find(|subject| subject.labels[0] == label)?;
    Some(subject.counts.iter().filter(|((of, _), _)| *of == kind).map(|(_, count)| count).sum())
}

fn snapshot(tally: &Tally) -> Snapshot {
    tally.snapshot(&Reading::default(), Identities::default(), Duration::ZERO, Duration::ZERO)
}

/// Everything in rows, by kind.
fn in_rows(snapshot: &Snapshot) -> PerKind {
    let mut sums = PerKind::default();
    for subject in &snapshot.subjects {
        subject.counts.iter().for_each(|((kind, _), count)| sums.add(*kind, *count));
    }
    for row in &snapshot.lifecycles {
        sums.add(Kind::ContainerStart, row.starts);
        sums.add(Kind::ContainerStop, row.stops);
    }
    sums
}

fn balance(snapshot: &Snapshot) {
    let rows = in_rows(snapshot);
    for kind in Kind::ALL {
        let (counted, retired) = (snapshot.counted.get(kind), snapshot.retired.get(kind));
        assert_eq!(counted, rows.get(kind) + retired, "{} does not balance", kind.name());
    }
}

#[test]
fn increments_are_added_once() {
    let (mut tally, mut source, now) = (tally(&BOTH), FakeSource::default(), Instant::now());
    tally.adopt(&container(7, "web"));
    for expected in [3, 6] {
        source.count(7, Kind::Exec, 0, 3);
        tally.apply(&source.reading(), now);
        tally.apply(&source.reading(), now);
        assert_eq!(row(&snapshot(&tally), "web", Kind::Exec), Some(expected));
    }
    assert_eq!(snapshot(&tally).counted.get(Kind::Exec), 6);
    balance(&snapshot(&tally));
}

#[test]
fn a_container_has_rows_from_its_first_sighting_on() {
    let mut tally = tally(&BOTH);
    tally.adopt(&container(7, "web"));
    let snapshot = snapshot(&tally);
    assert_eq!(row(&snapshot, "web", Kind::Exec), Some(0));
    assert_eq!((snapshot.containers.len(), snapshot.lifecycles.len()), (1, 1));
}

#[test]
fn nested_cgroups_count_for_their_container() {
    let (mut tally, mut source) = (tally(&BOTH), FakeSource::default());
    let own = container(7, "web");
    tally.adopt(&own);
    tally.adopt(&Cgroup { id: CgroupId(8), own: false, ..own });
    source.count(7, Kind::Exec, 0, 1);
    source.count(8, Kind::Exec, 0, 2);
    source.count(8, Kind::ContainerStart, 0, 1);
    tally.apply(&source.reading(), Instant::now());
    let snapshot = snapshot(&tally);
    assert_eq!(row(&snapshot, "web", Kind::Exec), Some(3));
    assert_eq!(snapshot.counted.get(Kind::ContainerStart), 0, "a nested cgroup is no container");
    assert_eq!(snapshot.containers.len(), 1);
}

#[test]
fn starts_and_stops_are_by_name() {
    let (mut tally, mut source, now) = (tally(&BOTH), FakeSource::default(), Instant::now());
    for id in [7, 8] {
        tally.adopt(&container(id, "job"));
        source.count(id, Kind::ContainerStart, 0, 1);
    }
    tally.adopt(&cgroup(9, false, Identity::default()));
    source.count(9, Kind::ContainerStart, 0, 1);
    source.count(7, Kind::ContainerStop, 0, 1);
    tally.apply(&source.reading(), now);
    let snapshot = snapshot(&tally);
    let [row] = &snapshot.lifecycles[..] else { panic!("one name, one row: {:?}", snapshot.lifecycles) };
    assert_eq!((row.container.as_str(), row.starts, row.stops), ("job", 2, 1));
    balance(&snapshot);
}

#[test]
fn rows_outlive_their_cgroup_by_the_grace_time() {
    let (mut tally, mut source, now) = (tally(&BOTH), FakeSource::default(), Instant::now());
    tally.adopt(&container(7, "web"));
    source.count(7, Kind::Exec, 0, 5);
    tally.apply(&source.reading(), now);
    tally.remove(CgroupId(7), now);
    source.count(7, Kind::Exec, 0, 1);
    tally.release(CgroupId(7), now, &mut source).expect("a fake cannot fail");
    assert!(tally.owners.contains_key(&CgroupId(7)), "its rows stay");
    assert!(source.counts.is_empty(), "its entries are gone from the map");
    assert_eq!(row(&snapshot(&tally), "web", Kind::Exec), Some(6), "the last read is in the row");
    assert!(!snapshot(&tally).containers[0].running);

    let just_before = now + GRACE - Duration::from_nanos(1);
    assert_eq!(retire(&mut tally, just_before, &mut source), []);
    assert_eq!(row(&snapshot(&tally), "web", Kind::Exec), Some(6));
    assert_eq!(retire(&mut tally, now + GRACE, &mut source), [CgroupId(7)]);
    let snapshot = snapshot(&tally);
    assert_eq!(row(&snapshot, "web", Kind::Exec), None);
    assert_eq!((snapshot.retired.get(Kind::Exec), snapshot.containers.len(), snapshot.lifecycles.len()), (6, 0, 0));
    balance(&snapshot);
}

#[test]
fn a_shared_row_keeps_what_its_dead_counted() {
    let (mut tally, mut source, now) = (tally(&[IdentityLabel::Container]), FakeSource::default(), Instant::now());
    for id in [7, 8] {
        tally.adopt(&container(id, "web"));
        source.count(id, Kind::Exec, 0, id);
    }
    tally.apply(&source.reading(), now);
    tally.remove(CgroupId(7), now);
    retire(&mut tally, now + GRACE, &mut source);
    assert_eq!(row(&snapshot(&tally), "web", Kind::Exec), Some(15));
    balance(&snapshot(&tally));
}

#[test]
fn edges_say_who_and_totals_say_how_many() {
    let (mut tally, mut source, now) = (tally(&BOTH), FakeSource::default(), Instant::now());
    tally.adopt(&container(7, "target"));
    tally.adopt(&container(8, "sender"));
    source.edge(7, 8, 15, 2);
    source.count(7, Kind::SignalGenerate, signal::Sender::Kernel.mark(signal::detail(17, 0)), 3);
    source.count(7, Kind::SignalGenerate, signal::Sender::Own.mark(signal::detail(15, 0)), 5);
    // Without a place for its sender.
    source.count(7, Kind::SignalGenerate, signal::Sender::Unknown.mark(signal::detail(15, 0)), 4);
    tally.apply(&source.reading(), now);
    let taken = snapshot(&tally);
    assert_eq!(row(&taken, "target", Kind::SignalGenerate), Some(14));
    let target = taken.subjects.iter().find(|subject| subject.labels[0] == "target").expect("there");
    let edges = target.edges.iter().map(|((_, sender), count)| (sender.container.as_str(), *count)).collect::<Vec<_>>();
    assert_eq!(edges, [("(unknown)", 4), ("sender", 2), ("target", 5), ("(kernel)", 3)]);
    balance(&taken);

    // The sender's row goes with the sender, its entry too; the target's total does not fall, nor for another exporter that goes on.
    tally.remove(CgroupId(8), now);
    retire(&mut tally, now + GRACE, &mut source);
    let key =
        EdgeKey { target: CountKey::new(7, Kind::SignalGenerate, signal::detail(15, 0)).expect("small"), sender: 8 };
    assert_eq!(source.edges, [(EdgeKey::of_gone(key.target), 2)].into());
    let mut next = self::tally(&BOTH);
    next.adopt(&container(7, "target"));
    next.apply(&source.reading(), now);
    tally.apply(&source.reading(), now);
    for taken in [snapshot(&tally), snapshot(&next)] {
        assert_eq!(row(&taken, "target", Kind::SignalGenerate), Some(14));
        let target = taken.subjects.iter().find(|subject| subject.labels[0] == "target").expect("there");
        let edges = target.edges.iter().map(|((_, sender), count)| (sender.container.as_str(), *count));
        assert_eq!(edges.collect::<Vec<_>>(), [("(unknown)", 4), ("target", 5), ("(kernel)", 3)]);
        balance(&taken);
    }
    assert_eq!(next.strangers(&source.reading()), HashSet::new());

    // Another sender's go there too, and with the target they leave.
    next.adopt(&container(9, "sender"));
    source.edge(7, 9, 15, 5);
    next.apply(&source.reading(), now);
    next.remove(CgroupId(9), now);
    retire(&mut next, now + GRACE, &mut source);
    assert_eq!(source.edges, [(EdgeKey::of_gone(key.target), 7)].into());
    next.apply(&source.reading(), now);
    assert_eq!(row(&snapshot(&next), "target", Kind::SignalGenerate), Some(19));
    next.remove(CgroupId(7), now);
    retire(&mut next, now + GRACE, &mut source);
    assert_eq!((source.edges.len(), source.settled.get(Kind::SignalGenerate)), (0, 19));
    balance(&snapshot(&next));
}

#[test]
fn what_found_no_place_is_in_the_other_row() {
    let (mut tally, mut source, now) = (tally(&BOTH), FakeSource::default(), Instant::now());
    source.losses.insert((Loss::CountsFull, Kind::Exit), 5);
    source.losses.insert((Loss::EdgesFull, Kind::SignalGenerate), 2);
    tally.apply(&source.reading(), now);
    tally.apply(&source.reading(), now);
    let snapshot = snapshot(&tally);
    assert_eq!(row(&snapshot, "other", Kind::Exit), Some(5));
    assert_eq!(
        snapshot.folded,
        [
            Folded { metric: "doubleslit_process_exits", reason: "full", count: 5 },
            Folded { metric: "doubleslit_signal_edges", reason: "full", count: 2 },
        ]
    );
    assert_eq!(snapshot.losses.iter().map(|(_, count)| count).sum::<u64>(), 7);
    balance(&snapshot);
}

#[test]
fn events_of_skipped_programs_are_in_the_other_row() {
    let (mut tally, mut source, now) = (tally(&BOTH), FakeSource::default(), Instant::now());
    for (skipped, expected) in [(0, None), (2, Some(2)), (2, Some(2)), (3, Some(3))] {
        source.skipped.insert(Kind::SignalGenerate, skipped);
        tally.apply(&source.reading(), now);
        assert_eq!(row(&snapshot(&tally), "other", Kind::SignalGenerate), expected);
    }
    let snapshot = snapshot(&tally);
    assert_eq!(snapshot.folded, [Folded { metric: "doubleslit_signals_generated", reason: "skipped", count: 3 }]);
    assert_eq!(snapshot.subjects.iter().flat_map(|subject| subject.edges.values()).sum::<u64>(), 3);
    balance(&snapshot);
}

#[test]
fn what_waits_for_its_name_counts_later() {
    let (mut tally, mut source, now) = (tally(&BOTH), FakeSource::default(), Instant::now());
    tally.adopt(&container(8, "known"));
    tally.hold(CgroupId(7));
    source.count(7, Kind::Exec, 0, 5);
    source.count(7, Kind::ContainerStart, 0, 1);
    source.edge(8, 7, 15, 1);
    assert!(tally.strangers(&source.reading()).is_empty());
    tally.apply(&source.reading(), now);
    assert_eq!(snapshot(&tally).counted, PerKind::default());

    tally.adopt(&container(7, "late"));
    source.count(7, Kind::Exec, 0, 1);
    tally.apply(&source.reading(), now);
    let snapshot = snapshot(&tally);
    assert_eq!(row(&snapshot, "late", Kind::Exec), Some(6));
    assert_eq!(row(&snapshot, "known", Kind::SignalGenerate), Some(1));
    assert_eq!(snapshot.counted.get(Kind::ContainerStart), 1);
    balance(&snapshot);
}

#[test]
fn a_new_name_moves_nothing() {
    let (mut tally, mut source, now) = (tally(&BOTH), FakeSource::default(), Instant::now());
    tally.adopt(&container(7, "old"));
    source.count(7, Kind::ContainerStart, 0, 1);
    source.count(7, Kind::Exec, 0, 5);
    tally.apply(&source.reading(), now);

    tally.rename(&container(7, "new"));
    source.count(7, Kind::Exec, 0, 2);
    source.count(7, Kind::ContainerStop, 0, 1);
    tally.apply(&source.reading(), now);
    let taken = snapshot(&tally);
    assert_eq!((row(&taken, "old", Kind::Exec), row(&taken, "new", Kind::Exec)), (Some(5), Some(2)));
    let lifecycles = taken.lifecycles.iter().map(|row| (row.container.as_str(), row.starts, row.stops));
    assert_eq!(lifecycles.collect::<Vec<_>>(), [("old", 1, 0), ("new", 0, 1)]);
    assert_eq!(taken.containers.iter().map(|container| container.labels[0].as_str()).collect::<Vec<_>>(), ["new"]);
    balance(&taken);

    tally.remove(CgroupId(7), now);
    assert_eq!(retire(&mut tally, now + GRACE, &mut source), [CgroupId(7)]);
    let taken = snapshot(&tally);
    assert_eq!((taken.subjects.len(), taken.lifecycles.len(), taken.retired.get(Kind::Exec)), (1, 0, 7));
    assert_eq!(tally.senders.len(), 4, "the host, the kernel, the unknown and all others");
    balance(&taken);
}

#[test]
fn unknown_cgroups_share_the_other_row() {
    let (mut tally, mut source, now) = (tally(&BOTH), FakeSource::default(), Instant::now());
    source.count(70, Kind::Exec, 0, 1);
    source.count(71, Kind::Exec, 0, 2);
    let reading = source.reading();
    assert_eq!(tally.strangers(&reading), HashSet::from([CgroupId(70), CgroupId(71)]));
    tally.apply(&reading, now);
    assert_eq!(tally.strangers(&source.reading()), HashSet::new(), "asked for once");
    assert_eq!(row(&snapshot(&tally), "other", Kind::Exec), Some(3));
    assert_eq!(
        snapshot(&tally).folded,
        [Folded { metric: "doubleslit_process_execs", reason: "unresolved", count: 3 }]
    );
    retire(&mut tally, now + GRACE, &mut source);
    assert!(source.counts.is_empty());
    balance(&snapshot(&tally));
}

#[test]
fn events_without_an_owner_are_the_hosts() {
    let (mut tally, mut source) = (tally(&BOTH), FakeSource::default());
    source.count(NOBODY, Kind::TcpResetSend, 0, 4);
    tally.apply(&source.reading(), Instant::now());
    assert_eq!(row(&snapshot(&tally), "", Kind::TcpResetSend), Some(4));
}

#[test]
fn what_has_no_rows_of_its_own_leaves_at_its_release() {
    let (mut tally, mut source, now) = (tally(&BOTH), FakeSource::default(), Instant::now());
    let own = container(7, "web");
    tally.adopt(&own);
    let before = tally.owners.len();
    for id in 100..200 {
        tally.adopt(&Cgroup { id: CgroupId(id), own: false, ..own.clone() });
        source.count(id, Kind::Exec, 0, 1);
        source.edge(id, 7, 15, 1);
        tally.apply(&source.reading(), now);
        tally.remove(CgroupId(id), now);
        tally.release(CgroupId(id), now, &mut source).expect("a fake cannot fail");
        assert!(!tally.owners.contains_key(&CgroupId(id)), "nothing of it is left");
    }
    assert_eq!(tally.owners.len(), before);
    assert_eq!((source.counts.len(), source.edges.len()), (0, 0));
    assert_eq!(tally.owners.values().map(|owner| owner.edges.len()).sum::<usize>(), 0, "its partners forget the edges");
    assert_eq!(row(&snapshot(&tally), "web", Kind::Exec), Some(100));
    balance(&snapshot(&tally));
}

#[test]
fn quiet_entries_go_before_the_release() {
    let (mut tally, mut source, now) = (tally(&BOTH), FakeSource::default(), Instant::now());
    tally.adopt(&container(7, "web"));
    source.count(7, Kind::Exec, 0, 1);
    tally.apply(&source.reading(), now);
    tally.remove(CgroupId(7), now);
    retire(&mut tally, now + Duration::from_secs(29), &mut source);
    assert_eq!(source.counts.len(), 1);
    retire(&mut tally, now + Duration::from_secs(30), &mut source);
    assert_eq!(source.counts.len(), 0);
    // It was not quite over.
    source.count(7, Kind::Exec, 0, 2);
    tally.apply(&source.reading(), now + Duration::from_secs(31));
    assert_eq!(row(&snapshot(&tally), "web", Kind::Exec), Some(3));
    balance(&snapshot(&tally));
}

#[test]
fn an_entry_that_stays_is_tried_again() {
    let (mut tally, mut source, now) = (tally(&BOTH), FakeSource::default(), Instant::now());
    for (id, name) in [(7, "web"), (8, "db")] {
        tally.adopt(&container(id, name));
        source.count(id, Kind::Exec, 0, 1);
        tally.apply(&source.reading(), now);
        tally.remove(CgroupId(id), now);
    }
    source.stuck = Some(8);
    let (gone, result) = tally.retire(now + GRACE, &mut source);
    assert_eq!((gone, result.is_err()), (vec![CgroupId(7)], true));
    assert_eq!(snapshot(&tally).containers.len(), 1);
    source.stuck = None;
    assert_eq!(retire(&mut tally, now + GRACE, &mut source), [CgroupId(8)]);
    assert_eq!(snapshot(&tally).containers.len(), 0);
    balance(&snapshot(&tally));
}
