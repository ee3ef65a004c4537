//! How many rows there may be.

use doubleslit_common::{
    kind::Kind,
    probes::{
        syscall::{OTHER, call_of},
        syscall_latency::{self, BUCKETS},
    },
};

use crate::probes::{self, Family, OTHER_DETAIL, Source, syscall::Calls};

/// How many rows there may be. 0 is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Of a family.
    pub per_family: usize,
    /// Of a container, a pod, a unit or the host, all families together.
    pub per_container: usize,
}

/// Why an increment is not in a row of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// Its family has all the rows that it may have: nothing was added.
    Family,
    /// Its container has: it was added to the container's row `other` of the family.
    Container,
}

impl Full {
    /// The value of the label `reason`.
    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::Family => "family_limit",
            Self::Container => "container_limit",
        }
    }
}

/// The series of a histogram: its buckets, sum and count.
const HISTOGRAM: usize = BUCKETS + 2;

/// The row with which another one comes and goes, and which the limits are asked for. This is the row itself, but for a bucket it
/// is that of its call's time: so a histogram is whole, and has its sum. The call `other` goes with the row `other`.
pub(super) fn head(kind: Kind, detail: u32) -> (Kind, u32) {
    match kind {
        Kind::SyscallTime | Kind::SyscallLatency if call_of(detail) == OTHER => (Kind::SyscallTime, OTHER_DETAIL),
        Kind::SyscallLatency => (Kind::SyscallTime, call_of(detail)),
        _ => (kind, detail),
    }
}

/// What is left of a detail in a row `other`. How long something took is still known.
pub(super) fn without_row(kind: Kind, detail: u32) -> u32 {
    if kind.is_histogram() { syscall_latency::detail(OTHER, syscall_latency::bucket_of(detail)) } else { OTHER_DETAIL }
}

/// How many rows there are, by family, without those that are free.
#[derive(Debug, Default)]
pub(super) struct Usage {
    counts: [usize; Kind::COUNT],
    edges: usize,
}

impl Usage {
    /// The number of rows of the family with this kind and source.
    pub(super) fn of(&mut self, kind: Kind, source: Source) -> &mut usize {
        match source {
            Source::Edges => &mut self.edges,
            Source::Counts | Source::Lifecycle => &mut self.counts[kind as usize],
        }
    }
}

/// How many series come with a row, by family, of those that the limits are about: none with a bucket, because the row of the
/// call's time brings the whole histogram along.
pub(super) fn series(calls: &Calls, kind: Kind, detail: u32) -> [(Kind, usize); 2] {
    let is_head = head(kind, detail) == (kind, detail) && !is_free(kind, detail);
    let has_histogram = is_head && kind == Kind::SyscallTime && calls.has_histogram(detail);
    [(kind, usize::from(is_head)), (Kind::SyscallLatency, if has_histogram { HISTOGRAM } else { 0 })]
}

/// Whether the limits leave a row out, of which there is a known number: it is a row `other`, or it goes into a row that every
/// container has from its first sighting on, in this family or in another one that shows the same events.
fn is_free(kind: Kind, detail: u32) -> bool {
    let has_it = |family: &Family| (family.values)(detail).is_some_and(|values| family.zeros.contains(&values));
    detail == OTHER_DETAIL
        || probes::families().any(|family| family.kind == kind && family.source == Source::Counts && has_it(family))
}

#[cfg(test)]
mod tests {
    use doubleslit_common::probes::{
        signal,
        socket_state::{
            Protocol, Transition,
            state::{CLOSE, ESTABLISHED, SYN_SENT, TIME_WAIT},
        },
        tcp,
    };

    use super::*;

    #[test]
    fn rows_that_are_left_out() {
        let transition =
            |old, new| Transition { family: tcp::Family::Ipv4, protocol: Protocol::Tcp, old, new }.detail();
        for (kind, detail, expected) in [
            (Kind::Exec, 0, true),
            (Kind::Exit, 0, true),
            (Kind::SignalDeliver, OTHER_DETAIL, true),
            (Kind::SignalGenerate, signal::detail(9, 0), false),
            (Kind::SignalDeliver, 9, false),
            // It is an active open, which has a row at 0.
            (Kind::SocketState, transition(CLOSE, SYN_SENT), true),
            (Kind::SocketState, transition(ESTABLISHED, TIME_WAIT), false),
        ] {
            assert_eq!(is_free(kind, detail), expected, "{kind:?} {detail}");
        }
    }
}
