//! Rows beyond the limits.

use doubleslit_common::probes::signal::SignalResult;

use super::*;

/// A change of state that has no name, and so is no connection.
const UNNAMED: u32 = 0x7_fffe;

const DELIVERED: u32 = SignalResult::Delivered as u32;

fn limited(per_family: usize, per_container: usize) -> Tally {
    Tally::new(Settings { limits: Limits { per_family, per_container }, ..settings(&BOTH) })
}

/// The rows of a subject: kind, detail and count.
pub(super) fn counts(snapshot: &Snapshot, label: &str) -> Vec<(Kind, u32, u64)> {
    let subject = snapshot.subjects.iter().find(|subject| subject.labels[0] == label);
    subject.map_or_else(Vec::new, |s| s.counts.iter().map(|((kind, detail), count)| (*kind, *detail, *count)).collect())
}

/// The rows of a subject with a sender: detail, sender and count.
fn edges<'a>(snapshot: &'a Snapshot, label: &str) -> Vec<(u32, &'a str, u64)> {
    let subject = snapshot.subjects.iter().find(|subject| subject.labels[0] == label).expect("it is there");
    subject.edges.iter().map(|((detail, sender), count)| (*detail, sender.container.as_str(), *count)).collect()
}

pub(super) fn folded(metric: &'static str, reason: &'static str, count: u64) -> Folded {
    Folded { metric, reason, count }
}

const DELIVERIES: &str = "doubleslit_signals_delivered";

#[test]
fn a_container_past_its_limit_has_a_row_other_of_its_own() {
    let (mut tally, mut source, now) = (limited(0, 2), FakeSource::default(), Instant::now());
    tally.adopt(&container(7, "web"));
    for signal in 1..=4 {
        source.count(7, Kind::SignalDeliver, signal, 1);
        tally.apply(&source.reading(), now);
    }
    // Rows that are there go on, and those that every container has are never in the way.
    source.count(7, Kind::SignalDeliver, 1, 10);
    source.count(7, Kind::Exec, 0, 5);
    tally.apply(&source.reading(), now);
    let taken = snapshot(&tally);
    assert_eq!(
        counts(&taken, "web"),
        [
            (Kind::Exec, 0, 5),
            (Kind::SignalDeliver, 1, 11),
            (Kind::SignalDeliver, 2, 1),
            (Kind::SignalDeliver, OTHER_DETAIL, 2)
        ]
    );
    assert_eq!(taken.folded, [folded(DELIVERIES, "container_limit", 2)]);
    balance(&taken);
}

#[test]
fn a_family_past_its_limit_shares_the_row_other() {
    let (mut tally, mut source, now) = (limited(2, 0), FakeSource::default(), Instant::now());
    for (id, name) in [(7, "web"), (8, "db"), (9, "api")] {
        tally.adopt(&container(id, name));
        source.count(id, Kind::SignalDeliver, 15, id);
        source.count(id, Kind::SocketState, UNNAMED, 1);
        tally.apply(&source.reading(), now);
    }
    let taken = snapshot(&tally);
    // Each family for itself.
    let transition = (Kind::SocketState, UNNAMED, 1);
    assert_eq!(counts(&taken, "web"), [(Kind::SignalDeliver, 15, 7), transition]);
    assert_eq!(counts(&taken, "db"), [(Kind::SignalDeliver, 15, 8), transition]);
    assert_eq!(counts(&taken, "api"), []);
    assert_eq!(counts(&taken, "other"), [(Kind::SignalDeliver, OTHER_DETAIL, 9), (Kind::SocketState, OTHER_DETAIL, 1)]);
    assert_eq!(
        taken.folded,
        [folded(DELIVERIES, "family_limit", 9), folded("doubleslit_socket_state_transitions", "family_limit", 1)]
    );
    balance(&taken);

    // A container that goes leaves room for what is new; what was folded stays.
    tally.remove(CgroupId(7), now);
    retire(&mut tally, now + GRACE, &mut source);
    source.count(9, Kind::SignalDeliver, 15, 1);
    tally.apply(&source.reading(), now);
    let taken = snapshot(&tally);
    assert_eq!(counts(&taken, "api"), [(Kind::SignalDeliver, 15, 1)]);
    assert_eq!(counts(&taken, "other")[0], (Kind::SignalDeliver, OTHER_DETAIL, 9));
    balance(&taken);
}

#[test]
fn a_family_that_is_full_goes_before_a_new_row_other() {
    let (mut tally, mut source, now) = (limited(2, 1), FakeSource::default(), Instant::now());
    for (id, name) in [(7, "web"), (8, "db")] {
        tally.adopt(&container(id, name));
        for signal in [1, 2] {
            source.count(id, Kind::SignalDeliver, signal, 1);
            tally.apply(&source.reading(), now);
        }
    }
    source.count(7, Kind::SignalDeliver, 3, 1);
    tally.apply(&source.reading(), now);
    let taken = snapshot(&tally);
    assert_eq!(counts(&taken, "web"), [(Kind::SignalDeliver, 1, 1), (Kind::SignalDeliver, OTHER_DETAIL, 2)]);
    assert_eq!(counts(&taken, "db"), [(Kind::SignalDeliver, 1, 1)]);
    assert_eq!(counts(&taken, "other"), [(Kind::SignalDeliver, OTHER_DETAIL, 1)]);
    assert_eq!(taken.folded, [folded(DELIVERIES, "container_limit", 2), folded(DELIVERIES, "family_limit", 1)]);
    balance(&taken);
}

#[test]
fn senders_beyond_the_limits_are_others() {
    // The count of the signal itself is one row, each sender another.
    let (mut tally, mut source, now) = (limited(0, 3), FakeSource::default(), Instant::now());
    tally.adopt(&container(7, "target"));
    for sender in 8..=11 {
        tally.adopt(&container(sender, &format!("sender{sender}")));
        source.edge(7, sender, 15, 1);
        tally.apply(&source.reading(), now);
    }
    let term = signal::detail(15, DELIVERED);
    let taken = snapshot(&tally);
    assert_eq!(edges(&taken, "target"), [(term, "sender8", 1), (term, "sender9", 1), (OTHER_DETAIL, "other", 2)]);
    assert_eq!(counts(&taken, "target"), [(Kind::SignalGenerate, term, 4)]);
    assert_eq!(taken.folded, [folded("doubleslit_signal_edges", "container_limit", 2)]);

    // The row of a sender that goes makes room for another.
    tally.remove(CgroupId(8), now);
    retire(&mut tally, now + GRACE, &mut source);
    source.edge(7, 11, 15, 5);
    tally.apply(&source.reading(), now);
    assert_eq!(
        edges(&snapshot(&tally), "target"),
        [(term, "sender11", 5), (term, "sender9", 1), (OTHER_DETAIL, "other", 2)]
    );
    balance(&snapshot(&tally));

    let (mut tally, mut source) = (limited(1, 0), FakeSource::default());
    tally.adopt(&container(7, "target"));
    for sender in 8..=9 {
        tally.adopt(&container(sender, &format!("sender{sender}")));
        source.edge(7, sender, 15, 1);
        tally.apply(&source.reading(), now);
    }
    let taken = snapshot(&tally);
    assert_eq!(edges(&taken, "target"), [(term, "sender8", 1)]);
    assert_eq!(edges(&taken, "other"), [(OTHER_DETAIL, "other", 1)]);
    assert_eq!(taken.folded, [folded("doubleslit_signal_edges", "family_limit", 1)]);
    balance(&taken);
}
