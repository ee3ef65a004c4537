//! Labels of rows beyond the identity's own, who is ignored, and since when rows count.

use std::time::UNIX_EPOCH;

use super::*;
use crate::{
    filter::{List, WrittenRule},
    identity::{
        ignore::{Field, Ignore, Pattern, Rule},
        labels::ExtraLabel,
    },
};

fn ignoring(pattern: &str) -> Settings {
    let pattern = Pattern::new(pattern).expect("a pattern");
    Settings { ignore: Ignore(vec![Rule(vec![(Field::Container, pattern)])]), ..settings(&BOTH) }
}

#[test]
fn who_is_ignored_is_counted_and_retired_at_once() {
    let (mut tally, mut source, now) = (Tally::new(ignoring("load-*")), FakeSource::default(), Instant::now());
    let load = container(7, "load-1");
    tally.adopt(&load);
    tally.adopt(&Cgroup { id: CgroupId(8), own: false, ..load });
    tally.adopt(&container(9, "web"));
    for (id, times) in [(7, 1), (8, 2), (9, 4)] {
        source.count(id, Kind::Exec, 0, times);
        source.count(id, Kind::ContainerStart, 0, 1);
    }
    source.count(7, Kind::SignalGenerate, signal::Sender::Kernel.mark(signal::detail(17, 0)), 8);
    source.edge(7, 9, 15, 16);
    source.edge(9, 7, 15, 32);
    tally.apply(&source.reading(), now);
    let taken = snapshot(&tally);
    let rows = taken.subjects.iter().map(|subject| subject.labels[0].as_str()).collect::<Vec<_>>();
    assert_eq!(rows, ["", "web"], "the host and the other container");
    assert_eq!((taken.containers.len(), taken.lifecycles.len()), (1, 1));
    assert_eq!(taken.subjects[1].edges.len(), 1, "what it sends to others is theirs");
    let mut ignored = PerKind::default();
    for (kind, count) in [(Kind::Exec, 3), (Kind::ContainerStart, 1), (Kind::SignalGenerate, 24)] {
        ignored.add(kind, count);
    }
    assert_eq!((taken.ignored, taken.retired), (ignored, ignored));
    assert_eq!(taken.counted.get(Kind::Exec), 7);
    assert_eq!(taken.counted.get(Kind::ContainerStart), 2, "a nested cgroup is no container");
    assert_eq!(taken.folded, []);
    balance(&taken);

    // Nothing of it stays for a grace time.
    for id in [8, 7] {
        source.count(id, Kind::Exec, 0, 1);
        tally.apply(&source.reading(), now);
        tally.release(CgroupId(id), now, &mut source).expect("a fake cannot fail");
        assert!(!tally.owners.contains_key(&CgroupId(id)));
    }
    let taken = snapshot(&tally);
    assert_eq!((taken.ignored.get(Kind::Exec), taken.retired.get(Kind::Exec)), (5, 5));
    balance(&taken);
}

#[test]
fn whose_calls_are_left_out() {
    let rule = WrittenRule::parse("container=web*", "select").expect("a rule");
    let calls_of = Owners::new(List { name: "select", rules: vec![rule] }, List::default()).expect("of owners");
    let mut tally = Tally::new(Settings { calls_of, ..settings(&BOTH) });
    let (mut source, now) = (FakeSource::default(), Instant::now());
    tally.adopt(&container(7, "web-1"));
    tally.adopt(&container(8, "db"));
    let mut count = |tally: &mut Tally, times| {
        for id in [7, 8] {
            for kind in [Kind::Syscall, Kind::SyscallTime, Kind::SyscallUntimed, Kind::SyscallLatency, Kind::Exec] {
                source.count(id, kind, 0, times);
            }
        }
        tally.apply(&source.reading(), now);
    };
    count(&mut tally, 5);
    let taken = snapshot(&tally);
    for (name, kind, expected) in [
        ("web-1", Kind::Syscall, Some(5)),
        ("web-1", Kind::SyscallTime, Some(5)),
        ("db", Kind::Syscall, Some(0)),
        ("db", Kind::SyscallTime, Some(0)),
        ("db", Kind::SyscallUntimed, Some(0)),
        ("web-1", Kind::SyscallLatency, Some(5)),
        ("db", Kind::SyscallLatency, Some(0)),
        ("db", Kind::Exec, Some(5)),
    ] {
        assert_eq!(row(&taken, name, kind), expected, "{name} {kind:?}");
    }
    assert_eq!((taken.retired.get(Kind::Syscall), taken.ignored.get(Kind::Syscall)), (5, 0));
    balance(&taken);
    // What was left out stays left out.
    tally.rename(&container(8, "web-2"));
    count(&mut tally, 2);
    let taken = snapshot(&tally);
    assert_eq!(row(&taken, "web-2", Kind::Syscall), Some(2));
    assert_eq!(taken.retired.get(Kind::Syscall), 5);
    balance(&taken);
}

#[test]
fn extra_labels_tell_rows_apart() {
    let mut settings = settings(&[IdentityLabel::Container]);
    settings.labels.extra = vec![ExtraLabel { key: "team".to_owned(), label: "team".to_owned() }];
    let (mut tally, mut source) = (Tally::new(settings), FakeSource::default());
    for (id, team) in [(7, "red"), (8, "blue"), (9, "red")] {
        let mut cgroup = container(id, "web");
        Arc::make_mut(&mut cgroup.identity).container_labels.insert("team".to_owned(), team.to_owned());
        tally.adopt(&cgroup);
        source.count(id, Kind::Exec, 0, id);
        source.count(id, Kind::ContainerStart, 0, 1);
    }
    tally.apply(&source.reading(), Instant::now());
    let taken = snapshot(&tally);
    let execs = taken.subjects.iter().map(|subject| (&subject.labels[..], subject.counts.values().sum::<u64>()));
    let label = |values: [&str; 2]| values.map(str::to_owned);
    assert_eq!(
        execs.collect::<Vec<_>>(),
        [(&label(["", ""])[..], 0), (&label(["web", "red"]), 16), (&label(["web", "blue"]), 8)]
    );
    let starts = taken.lifecycles.iter().map(|row| (&row.extra[..], row.starts)).collect::<Vec<_>>();
    assert_eq!(starts, [(&["red".to_owned()][..], 2), (&["blue".to_owned()], 1)]);
    balance(&taken);
}

#[test]
fn units_of_the_host_have_a_row_each() {
    let mut settings = settings(&[IdentityLabel::Container]);
    settings.labels.unit = true;
    let mut tally = Tally::new(settings);
    for (id, unit) in [(7, "ssh.service"), (8, "cron.service"), (9, "ssh.service"), (10, "")] {
        tally.adopt(&cgroup(id, false, Identity { unit: unit.to_owned(), ..Identity::default() }));
    }
    let taken = snapshot(&tally);
    let units = taken.subjects.iter().map(|subject| subject.labels[1].as_str()).collect::<Vec<_>>();
    assert_eq!(units, ["", "ssh.service", "cron.service"]);
}

#[test]
fn rows_count_since_their_container_or_the_exporter_started() {
    let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
    let mut tally = Tally::new(Settings { begun: at(100), ..settings(&[IdentityLabel::Container]) });
    for (id, name, started) in
        [(7, "old", Some(at(50))), (8, "new", Some(at(150))), (9, "new", Some(at(160))), (10, "x", None)]
    {
        tally.adopt(&Cgroup { started, ..container(id, name) });
    }
    let taken = snapshot(&tally);
    let subjects = taken.subjects.iter().map(|subject| (subject.labels[0].as_str(), subject.created));
    let created = [("old", at(100)), ("new", at(150)), ("x", at(100))];
    assert_eq!(subjects.collect::<Vec<_>>(), [&[("", at(100))][..], &created].concat());
    let lifecycles = taken.lifecycles.iter().map(|row| (row.container.as_str(), row.created));
    assert_eq!(lifecycles.collect::<Vec<_>>(), created);
}
