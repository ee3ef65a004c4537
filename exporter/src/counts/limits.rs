//! How many rows there may be.

use doubleslit_common::kind::Kind;

use crate::probes::{self, Family, OTHER_DETAIL, Source};

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

/// Whether the limits leave a row out, of which there is a known number: it is a row `other`, or it goes into a row that every
/// container has from its first sighting on, in this family or in another one that shows the same events.
pub(super) fn is_free(kind: Kind, detail: u32) -> bool {
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
