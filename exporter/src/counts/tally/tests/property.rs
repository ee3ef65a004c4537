//! Whatever happens in whatever order.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{
    counts::limits::is_free,
    identity::ignore::{Field, Pattern, Rule},
};

/// Checks that there are no more rows than the limits allow, those aside that they leave out.
fn within_limits(snapshot: &Snapshot, per_family: usize, per_container: usize) {
    let mut families = BTreeMap::<(Kind, bool), usize>::new();
    for subject in &snapshot.subjects {
        let counts = subject.counts.keys().filter(|(kind, detail)| !is_free(*kind, *detail));
        let counts = counts.map(|(kind, _)| (*kind, false));
        let edges =
            subject.edges.keys().filter(|(detail, _)| *detail != OTHER_DETAIL).map(|_| (Kind::SignalGenerate, true));
        let rows = counts.chain(edges).collect::<Vec<_>>();
        assert!(per_container == 0 || rows.len() <= per_container, "{subject:?} has {} rows", rows.len());
        rows.into_iter().for_each(|family| *families.entry(family).or_default() += 1);
    }
    for (family, rows) in families {
        assert!(per_family == 0 || rows <= per_family, "{family:?} has {rows} rows");
    }
}

/// A step in the life of a machine.
#[derive(Clone, Debug)]
enum Step {
    Create { cgroup: u64, name: u8 },
    Rename { cgroup: u64, name: u8 },
    Count { cgroup: u64, kind: u8, detail: u32, increment: u8 },
    Signal { target: u64, sender: u64 },
    Lose { kind: u8 },
    Remove { cgroup: u64 },
    Release { cgroup: u64 },
    Pass { seconds: u16 },
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
        (cgroup.clone(), cgroup.clone()).prop_map(|(target, sender)| Step::Signal { target, sender }),
        (0u8..13).prop_map(|kind| Step::Lose { kind }),
        cgroup.clone().prop_map(|cgroup| Step::Remove { cgroup }),
        cgroup.prop_map(|cgroup| Step::Release { cgroup }),
        (1u16..400).prop_map(|seconds| Step::Pass { seconds }),
        Just(Step::Poll),
        Just(Step::Poll),
    ]
}

proptest! {
    /// Whatever happens in whatever order: no row falls while it is there, counted equals rows plus retired, and counted
    /// equals what was generated. No more rows than the limits allow, those aside that every container has and the rows `other`.
    #[test]
    fn nothing_is_lost_and_nothing_moves(
        steps in proptest::collection::vec(step(), 1..120),
        short: bool,
        ignoring: bool,
        per_family in 0usize..6,
        per_container in 0usize..4,
    ) {
        let labels: &[IdentityLabel] = if short { &[IdentityLabel::Container] } else { &BOTH };
        let mut settings = Settings { limits: Limits { per_family, per_container }, ..settings(labels) };
        if ignoring {
            let pattern = Pattern::new("name3").expect("a pattern");
            settings.ignore = Ignore(vec![Rule(vec![(Field::Container, pattern)])]);
        }
        let (mut tally, mut source, mut now) = (Tally::new(settings), FakeSource::default(), Instant::now());
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
                Step::Pass { seconds } => now += Duration::from_secs(seconds.into()),
                Step::Poll => {
                    tally.apply(&source.reading(), now);
                    let gone = retire(&mut tally, now, &mut source);
                    let taken = snapshot(&tally);
                    balance(&taken);
                    prop_assert_eq!(taken.counted, generated);
                    within_limits(&taken, per_family, per_container);
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
