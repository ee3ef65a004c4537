//! Histograms come, merge and go as a whole, with their sums.

use doubleslit_common::probes::{
    syscall::OTHER,
    syscall_latency::{self, BUCKETS},
};

use super::{
    limits::{counts, folded},
    *,
};
use crate::probes::syscall::call_name;

const LAST: u32 = BUCKETS as u32 - 1;
const LATENCY: &str = "doubleslit_syscall_latency_seconds";
const TIME: &str = "doubleslit_syscall_duration_seconds";

/// The series of a call: its time, and what the histogram has.
const SERIES: usize = 1 + BUCKETS + 2;

/// A tally of all calls, of which those with the numbers 1 and 2 have histograms.
fn tally_of_two(labels: &[IdentityLabel], limits: Limits) -> Tally {
    let (mut calls, mut chosen) = (Calls::all(), Calls::default());
    assert!(chosen.add(|name| [1, 2].map(call_name).contains(&name)));
    assert!(calls.add_histograms(&chosen));
    Tally::new(Settings { limits, calls, ..settings(labels) })
}

/// A call that takes 10 ns for each number of its bucket, and 1 ns.
fn call(source: &mut FakeSource, cgroup: u64, call: u32, bucket: u32) {
    source.count(cgroup, Kind::SyscallTime, call, 10 * u64::from(bucket) + 1);
    source.count(cgroup, Kind::SyscallLatency, syscall_latency::detail(call, bucket), 1);
}

const fn latency(call: u32, bucket: u32, count: u64) -> (Kind, u32, u64) {
    (Kind::SyscallLatency, syscall_latency::detail(call, bucket), count)
}

#[test]
fn a_container_past_its_limit_has_a_histogram_of_others() {
    let limits = Limits { per_family: 0, per_container: SERIES };
    let (mut tally, mut source, now) = (tally_of_two(&BOTH, limits), FakeSource::default(), Instant::now());
    tally.adopt(&container(7, "web"));
    for (number, bucket) in [(1, 0), (2, 3), (2, LAST), (1, LAST), (3, 0)] {
        if number == 3 {
            source.count(7, Kind::SyscallTime, number, 1000);
        } else {
            call(&mut source, 7, number, bucket);
        }
        tally.apply(&source.reading(), now);
    }
    let taken = snapshot(&tally);
    assert_eq!(
        counts(&taken, "web"),
        [
            (Kind::SyscallTime, 1, 222),
            (Kind::SyscallTime, OTHER_DETAIL, 1252),
            latency(1, 0, 1),
            latency(OTHER, 3, 1),
            latency(1, LAST, 1),
            latency(OTHER, LAST, 1),
        ]
    );
    for (metric, count) in [(TIME, 1252), (LATENCY, 2)] {
        assert!(taken.folded.contains(&folded(metric, "container_limit", count)), "{:?}", taken.folded);
    }
    balance(&taken);
}

#[test]
fn one_series_too_many_is_one_histogram_too_many() {
    let one_less = Limits { per_family: 0, per_container: SERIES - 1 };
    let family = Limits { per_family: SERIES - 2, per_container: 0 };
    for (limits, label) in [(one_less, "web"), (family, "other")] {
        let (mut tally, mut source) = (tally_of_two(&BOTH, limits), FakeSource::default());
        tally.adopt(&container(7, "web"));
        call(&mut source, 7, 1, 5);
        source.count(7, Kind::SyscallTime, 3, 1000);
        tally.apply(&source.reading(), Instant::now());
        let taken = snapshot(&tally);
        assert_eq!(counts(&taken, label).last(), Some(&latency(OTHER, 5, 1)), "{limits:?}");
        // A call without histogram finds a place.
        assert!(counts(&taken, "web").contains(&(Kind::SyscallTime, 3, 1000)), "{limits:?}");
        balance(&taken);
    }
}

#[test]
fn a_family_past_its_limit_has_room_again_when_a_histogram_goes() {
    let limits = Limits { per_family: SERIES - 1, per_container: 0 };
    let (mut tally, mut source, now) = (tally_of_two(&BOTH, limits), FakeSource::default(), Instant::now());
    for (id, name) in [(7, "web"), (8, "db")] {
        tally.adopt(&container(id, name));
        call(&mut source, id, 1, 2);
        tally.apply(&source.reading(), now);
    }
    let taken = snapshot(&tally);
    assert_eq!(counts(&taken, "web"), [(Kind::SyscallTime, 1, 21), latency(1, 2, 1)]);
    assert_eq!(counts(&taken, "db"), []);
    assert_eq!(counts(&taken, "other"), [(Kind::SyscallTime, OTHER_DETAIL, 21), latency(OTHER, 2, 1)]);
    balance(&taken);

    tally.remove(CgroupId(7), now);
    retire(&mut tally, now + GRACE, &mut source);
    call(&mut source, 8, 1, 2);
    tally.apply(&source.reading(), now);
    let taken = snapshot(&tally);
    assert_eq!((taken.retired.get(Kind::SyscallTime), taken.retired.get(Kind::SyscallLatency)), (21, 1));
    assert_eq!(counts(&taken, "db"), [(Kind::SyscallTime, 1, 21), latency(1, 2, 1)]);
    balance(&taken);
}

#[test]
fn equal_labels_are_one_histogram_and_another_name_begins_a_new_one() {
    let mut tally = tally_of_two(&[IdentityLabel::Container], Limits::default());
    let (mut source, now) = (FakeSource::default(), Instant::now());
    for id in [7, 8] {
        tally.adopt(&container(id, "web"));
        call(&mut source, id, 1, 2);
        call(&mut source, id, 1, id as u32);
    }
    tally.apply(&source.reading(), now);
    tally.rename(&container(8, "shop"));
    call(&mut source, 8, 1, 2);
    tally.apply(&source.reading(), now);
    let taken = snapshot(&tally);
    let web = [(Kind::SyscallTime, 1, 194), latency(1, 2, 2), latency(1, 7, 1), latency(1, 8, 1)];
    assert_eq!(counts(&taken, "web"), web);
    assert_eq!(counts(&taken, "shop"), [(Kind::SyscallTime, 1, 21), latency(1, 2, 1)]);
    balance(&taken);
}

/// Nothing is known of what found no place in the map, but that it was a call.
#[test]
fn what_the_map_had_no_place_for_is_in_the_last_bucket_of_others() {
    let (mut tally, mut source) = (tally_of_two(&BOTH, Limits::default()), FakeSource::default());
    source.losses.insert((Loss::CountsFull, Kind::SyscallLatency), 3);
    tally.apply(&source.reading(), Instant::now());
    let taken = snapshot(&tally);
    assert_eq!(
        counts(&taken, "other"),
        [(Kind::SyscallTime, OTHER_DETAIL, 0), (Kind::SyscallLatency, OTHER_DETAIL, 3)]
    );
    assert_eq!(syscall_latency::bucket_of(OTHER_DETAIL), LAST);
    balance(&taken);
}
