//! Whatever happens in whatever order.

use std::collections::BTreeMap;

use doubleslit_common::probes::{syscall, syscall_latency};
use proptest::prelude::*;

use super::*;
use crate::{
    counts::limits::series,
    identity::ignore::{Field, Pattern, Rule},
};

/// How long each call takes whose time is measured.
const NANOSECONDS: u64 = 7;

/// Checks that there are no more series than the limits allow, those aside that they leave out.
fn within_limits(snapshot: &Snapshot, limits: Limits) {
    let Limits { per_family, per_container } = limits;
    let calls = calls();
    let mut families = BTreeMap::<(Kind, bool), usize>::new();
    for subject in &snapshot.subjects {
        let counts = subject.counts.keys().flat_map(|(kind, detail)| series(&calls, *kind, *detail));
        let counts = counts.map(|(kind, series)| ((kind, false), series));
        let edges = subject.edges.keys().filter(|(detail, _)| *detail != OTHER_DETAIL);
        let all = counts.chain(edges.map(|_| ((Kind::SignalGenerate, true), 1))).collect::<Vec<_>>();
        let sum = all.iter().map(|(_, series)| series).sum::<usize>();
        assert!(per_container == 0 || sum <= per_container, "{subject:?} has {sum} series");
        all.into_iter().for_each(|(family, series)| *families.entry(family).or_default() += series);
    }
    for (family, series) in families {
        assert!(per_family == 0 || series <= per_family, "{family:?} has {series} series");
    }
}

/// Checks that histograms are whole: each has the times of those calls that are in its buckets.
fn have_their_sums(snapshot: &Snapshot) {
    for subject in &snapshot.subjects {
        let (mut times, mut latencies) = (BTreeMap::<u32, u64>::new(), BTreeMap::<u32, u64>::new());
        for ((kind, detail), count) in &subject.counts {
            match kind {
                Kind::SyscallTime => *times.entry(syscall::call_of(*detail)).or_default() += count,
                Kind::SyscallLatency => *latencies.entry(syscall::call_of(*detail)).or_default() += count * NANOSECONDS,
                _ => {}
            }
        }
        assert_eq!(times, latencies, "{subject:?}");
    }
}

/// All calls, with histograms.
fn calls() -> Calls {
    let mut calls = Calls::all();
    assert!(calls.add_histograms(&Calls::all()));
    calls
}

fn row_labels(short: bool) -> RowLabels {
    let identity = if short { vec![IdentityLabel::Container] } else { BOTH.to_vec() };
    RowLabels { identity, ..RowLabels::default() }
}

fn ignore(ignoring: bool) -> Ignore {
    let pattern = Pattern::new("name3").expect("a pattern");
    Ignore(if ignoring { vec![Rule(vec![(Field::Container, pattern)])] } else { Vec::new() })
}

/// A step in the life of a machine.
#[derive(Clone, Debug)]
enum Step {
    Create { cgroup: u64, name: u8 },
    Rename { cgroup: u64, name: u8 },
    Count { cgroup: u64, kind: u8, detail: u32, increment: u8 },
    Call { cgroup: u64, call: u32, bucket: u32 },
    Signal { target: u64, sender: u64 },
    Lose { kind: u8 },
    Remove { cgroup: u64 },
    Release { cgroup: u64 },
    Pass { seconds: u16 },
    Restart,
    Change { short: bool, ignoring: bool, per_family: usize, grace: u16 },
    Poll,
}

fn step() -> impl Strategy<Value = Step> {
    let cgroup = 1u64..12;
    prop_oneof![
        (cgroup.clone(), 0u8..4).prop_map(|(cgroup, name)| Step::Create { cgroup, name }),
        (cgroup.clone(), 0u8..4).prop_map(|(cgroup, name)| Step::Rename { cgroup, name }),
        (cgroup.clone(), 0u8..13, 0u32..4, 1u8..9).prop_map(|(cgroup, kind, detail, increment)| Step::Count {
            cgroup,
            kind,
            detail,
            increment
        }),
        (cgroup.clone(), prop_oneof![0u32..3, Just(syscall::OTHER)], 20u32..23)
            .prop_map(|(cgroup, call, bucket)| Step::Call { cgroup, call, bucket }),
        (cgroup.clone(), cgroup.clone()).prop_map(|(target, sender)| Step::Signal { target, sender }),
        (0u8..13).prop_map(|kind| Step::Lose { kind }),
        cgroup.clone().prop_map(|cgroup| Step::Remove { cgroup }),
        cgroup.prop_map(|cgroup| Step::Release { cgroup }),
        (1u16..400).prop_map(|seconds| Step::Pass { seconds }),
        Just(Step::Restart),
        (any::<bool>(), any::<bool>(), prop_oneof![0usize..6, 25usize..60], 1u16..400)
            .prop_map(|(short, ignoring, per_family, grace)| Step::Change { short, ignoring, per_family, grace }),
        Just(Step::Poll),
        Just(Step::Poll),
    ]
}

proptest! {
    /// Whatever happens in whatever order: no row falls while it is there, counted equals rows plus retired, and counted
    /// equals what was generated, also when the tally goes by other terms meanwhile. Histograms are whole. No more rows than the limits allow, those aside that every container has and the rows `other`.
    #[test]
    fn nothing_is_lost_and_nothing_moves(
        steps in proptest::collection::vec(step(), 1..120),
        short: bool,
        ignoring: bool,
        per_family in prop_oneof![0usize..6, 25usize..60],
        per_container in prop_oneof![0usize..4, 25usize..60],
    ) {
        let limits = Limits { per_family, per_container };
        let mut settings =
            Settings { limits, calls: calls(), ignore: ignore(ignoring), labels: row_labels(short), ..settings(&BOTH) };
        let mut has_changed = false;
        let (mut tally, mut source, mut now) = (Tally::new(settings.clone()), FakeSource::default(), Instant::now());
        let mut generated = PerKind::default();
        let mut last = BTreeMap::new();
        for step in steps {
            match step {
                Step::Create { cgroup, name } => drop(tally.adopt(&container(cgroup, &format!("name{name}")))),
                Step::Rename { cgroup, name } => tally.rename(&container(cgroup, &format!("name{name}"))),
                // Starts are counted for containers only; these may be unknown.
                Step::Count { kind, .. } if kind >= Kind::ContainerStart as u8 => {}
                Step::Count { cgroup, kind, detail, increment } => {
                    let kind = Kind::from_number(kind).expect("a kind");
                    source.count(cgroup, kind, detail, increment.into());
                    generated.add(kind, increment.into());
                }
                Step::Call { cgroup, call, bucket } => {
                    source.count(cgroup, Kind::SyscallTime, call, NANOSECONDS);
                    source.count(cgroup, Kind::SyscallLatency, syscall_latency::detail(call, bucket), 1);
                    generated.add(Kind::SyscallTime, NANOSECONDS);
                    generated.add(Kind::SyscallLatency, 1);
                }
                Step::Signal { target, sender } => {
                    source.edge(target, sender, 15, 1);
                    generated.add(Kind::SignalGenerate, 1);
                }
                Step::Lose { kind } => {
                    let kind = Kind::from_number(kind).expect("a kind");
                    *source.losses.entry((Loss::CountsFull, kind)).or_default() += 1;
                    if kind < Kind::ContainerStart {
                        *source.skipped.entry(kind).or_default() += 1;
                        generated.add(kind, 2);
                    }
                }
                Step::Remove { cgroup } => tally.remove(CgroupId(cgroup), now),
                Step::Release { cgroup } => {
                    tally.apply(&source.reading(), now);
                    tally.release(CgroupId(cgroup), now, &mut source).expect("a fake cannot fail");
                }
                // Another exporter goes on with what the maps have, and knows nobody.
                Step::Restart => {
                    tally = Tally::new(Settings { settled: source.settled, ..settings.clone() });
                    last.clear();
                }
                Step::Change { short, ignoring, per_family, grace } => {
                    let grace = Duration::from_secs(grace.into());
                    let limits = Limits { per_family, per_container };
                    let terms = Terms { labels: row_labels(short), grace, limits, ignore: ignore(ignoring) };
                    let Terms { labels, grace, limits, ignore } = terms.clone();
                    settings = Settings { labels, grace, limits, ignore, ..settings };
                    let before = snapshot(&tally);
                    tally.change(terms, SystemTime::now());
                    let after = snapshot(&tally);
                    balance(&after);
                    prop_assert_eq!(after.counted, before.counted);
                    has_changed = true;
                    // Rows that went may be there again, from 0 on.
                    last.clear();
                }
                Step::Pass { seconds } => now += Duration::from_secs(seconds.into()),
                Step::Poll => {
                    tally.apply(&source.reading(), now);
                    let gone = retire(&mut tally, now, &mut source);
                    let taken = snapshot(&tally);
                    balance(&taken);
                    prop_assert_eq!(taken.counted, generated);
                    // Rows beyond new limits stay.
                    if !has_changed {
                        within_limits(&taken, limits);
                    }
                    let width = taken.labels.names().count();
                    prop_assert!(taken.subjects.iter().all(|subject| subject.labels.len() == width));
                    have_their_sums(&taken);
                    let mut rows = BTreeMap::new();
                    for subject in &taken.subjects {
                        for (key, count) in &subject.counts {
                            prop_assert!(rows.insert((subject.labels.clone(), *key), *count).is_none(), "two equal rows");
                        }
                    }
                    for (key, count) in &rows {
                        // A row that went and came back begins anew.
                        if gone.is_empty() && last.get(key).is_some_and(|before| before > count) {
                            return Err(TestCaseError::fail(format!("row {key:?} fell to {count}")));
                        }
                    }
                    last = rows;
                }
            }
        }
    }
}
