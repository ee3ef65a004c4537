//! Going by other terms.

use super::*;
use crate::identity::ignore::{Field, Pattern, Rule};

fn terms(labels: &[IdentityLabel], ignored: Option<&str>) -> Terms {
    let Settings { labels, grace, limits, .. } = settings(labels);
    let rule = |name| Rule(vec![(Field::Container, Pattern::new(name).expect("a pattern"))]);
    Terms { labels, grace, limits, ignore: Ignore(ignored.map(rule).into_iter().collect()) }
}

fn retired(snapshot: &Snapshot) -> u64 {
    snapshot.retired.get(Kind::Exec)
}

/// Two containers that have executed 3 and 4 times.
fn two() -> (Tally, FakeSource, Instant) {
    let (mut tally, mut source, now) = (tally(&BOTH), FakeSource::default(), Instant::now());
    for (id, name, count) in [(7, "web", 3), (8, "db", 4)] {
        tally.adopt(&container(id, name));
        source.count(id, Kind::Exec, 0, count);
    }
    tally.apply(&source.reading(), now);
    (tally, source, now)
}

#[test]
fn who_is_ignored_goes_and_comes_back_from_0_on() {
    let (mut tally, mut source, now) = two();
    tally.change(terms(&BOTH, Some("web")), SystemTime::now());
    let taken = snapshot(&tally);
    balance(&taken);
    assert_eq!((row(&taken, "web", Kind::Exec), row(&taken, "db", Kind::Exec), retired(&taken)), (None, Some(4), 3));
    assert_eq!((taken.containers.len(), taken.lifecycles.len(), taken.ignoring), (1, 1, true));
    // What is retired was not counted for whoever is ignored, what comes now is.
    assert_eq!(taken.ignored.get(Kind::Exec), 0);
    source.count(7, Kind::Exec, 0, 5);
    tally.apply(&source.reading(), now);
    assert_eq!((snapshot(&tally).ignored.get(Kind::Exec), retired(&snapshot(&tally))), (5, 8));

    tally.change(terms(&BOTH, None), SystemTime::now());
    source.count(7, Kind::Exec, 0, 2);
    source.count(8, Kind::Exec, 0, 1);
    tally.apply(&source.reading(), now);
    let taken = snapshot(&tally);
    balance(&taken);
    assert_eq!((row(&taken, "web", Kind::Exec), row(&taken, "db", Kind::Exec), retired(&taken)), (Some(2), Some(5), 8));
    assert_eq!((taken.containers.len(), taken.lifecycles.len(), taken.ignoring), (2, 2, true));
}

#[test]
fn other_labels_have_all_rows_begin_anew() {
    let (mut tally, mut source, now) = two();
    let before = SystemTime::now();
    tally.change(terms(&[IdentityLabel::Container], None), before);
    let taken = snapshot(&tally);
    balance(&taken);
    assert_eq!(taken.labels.names().collect::<Vec<_>>(), ["container"]);
    assert_eq!((row(&taken, "web", Kind::Exec), row(&taken, "db", Kind::Exec), retired(&taken)), (Some(0), Some(0), 7));
    assert!(taken.subjects.iter().all(|subject| subject.labels.len() == 1 && subject.created == before));
    source.count(7, Kind::Exec, 0, 1);
    tally.apply(&source.reading(), now);
    assert_eq!(row(&snapshot(&tally), "web", Kind::Exec), Some(1));
    balance(&snapshot(&tally));
}

#[test]
fn values_under_other_names_are_other_rows() {
    let labels = |label: IdentityLabel| terms(&[label], None);
    let mut tally = tally(&[IdentityLabel::Namespace]);
    let (mut source, now) = (FakeSource::default(), Instant::now());
    let own = container(7, "web");
    tally.adopt(&Cgroup {
        identity: Arc::new(Identity { namespace: "web".to_owned(), ..Identity::clone(&own.identity) }),
        ..own
    });
    source.count(7, Kind::Exec, 0, 3);
    tally.apply(&source.reading(), now);
    assert_eq!(row(&snapshot(&tally), "web", Kind::Exec), Some(3));
    // Namespace and container have the same name, and that of the namespace's row is free again for the next.
    for label in [IdentityLabel::Container, IdentityLabel::Namespace, IdentityLabel::Container] {
        tally.change(labels(label), SystemTime::now());
        assert_eq!(row(&snapshot(&tally), "web", Kind::Exec), Some(0), "{label:?}");
        source.count(7, Kind::Exec, 0, 1);
        tally.apply(&source.reading(), now);
        assert_eq!(row(&snapshot(&tally), "web", Kind::Exec), Some(1), "{label:?}");
        balance(&snapshot(&tally));
    }
    // A second container of the same names shares the row that is there now.
    tally.adopt(&Cgroup { id: CgroupId(8), ..container(7, "web") });
    assert_eq!(snapshot(&tally).subjects.iter().filter(|subject| subject.labels[0] == "web").count(), 1);
}

#[test]
fn what_nobody_owns_is_retired_with_other_labels_too() {
    let (mut tally, mut source, now) = two();
    *source.losses.entry((Loss::CountsFull, Kind::Exec)).or_default() += 6;
    // A cgroup that nobody has told of.
    source.count(99, Kind::Exec, 0, 2);
    tally.apply(&source.reading(), now);
    balance(&snapshot(&tally));
    assert_eq!(row(&snapshot(&tally), "other", Kind::Exec), Some(8));
    tally.change(terms(&[IdentityLabel::Container], None), SystemTime::now());
    source.count(99, Kind::Exec, 0, 1);
    tally.apply(&source.reading(), now);
    let taken = snapshot(&tally);
    balance(&taken);
    assert_eq!((row(&taken, "other", Kind::Exec), retired(&taken)), (Some(1), 15));
}

#[test]
fn rows_beyond_a_new_limit_stay_and_no_others_come() {
    let (mut tally, mut source, now) = (tally(&BOTH), FakeSource::default(), Instant::now());
    tally.adopt(&container(7, "web"));
    let deliver = |source: &mut FakeSource, signal| source.count(7, Kind::SignalDeliver, signal, 1);
    [1, 2, 3].into_iter().for_each(|signal| deliver(&mut source, signal));
    tally.apply(&source.reading(), now);
    let limits = Limits { per_family: 0, per_container: 2 };
    tally.change(Terms { limits, ..terms(&BOTH, None) }, SystemTime::now());
    [1, 4, 5].into_iter().for_each(|signal| deliver(&mut source, signal));
    tally.apply(&source.reading(), now);
    let taken = snapshot(&tally);
    balance(&taken);
    let web = taken.subjects.iter().find(|subject| subject.labels[0] == "web").expect("it is there");
    let rows: Vec<_> = web.of(Kind::SignalDeliver).collect();
    assert_eq!(rows, [(1, 2), (2, 1), (3, 1), (OTHER_DETAIL, 2)]);
    tally.change(terms(&BOTH, None), SystemTime::now());
    deliver(&mut source, 4);
    tally.apply(&source.reading(), now);
    assert_eq!(row(&snapshot(&tally), "web", Kind::SignalDeliver), Some(7));
}

#[test]
fn a_shorter_grace_time_holds_for_who_is_gone_already() {
    let (mut tally, mut source, now) = two();
    tally.remove(CgroupId(7), now);
    let later = now + Duration::from_secs(10);
    assert_eq!(retire(&mut tally, later, &mut source), []);
    tally.change(Terms { grace: Duration::from_secs(5), ..terms(&BOTH, None) }, SystemTime::now());
    assert_eq!(retire(&mut tally, later, &mut source), [CgroupId(7)]);
    balance(&snapshot(&tally));
}

#[test]
fn who_is_gone_stays_so_under_other_labels() {
    let (mut tally, _, now) = two();
    tally.remove(CgroupId(7), now);
    tally.change(terms(&[IdentityLabel::Container], None), SystemTime::now());
    let running: Vec<_> = snapshot(&tally).containers.iter().map(|c| (c.cgroup_id, c.running)).collect();
    assert_eq!(running, [(7, false), (8, true)]);
}
