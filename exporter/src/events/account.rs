//! What became of single events: generated = received + lost + sampled out + filtered, and what is still in the ring.

use std::collections::BTreeMap;

use doubleslit_common::kind::Kind;

/// What became of single events, while somebody listened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// By kind.
    pub kinds: BTreeMap<Kind, OfKind>,
    /// Records of which not even the kind was understood.
    pub unknown: u64,
    /// What subscribers missed because they were slow, by their names.
    pub missed: BTreeMap<&'static str, u64>,
    /// Bytes of the ring.
    pub ring_bytes: u64,
    /// Bytes that waited in it when it was last read.
    pub waiting_bytes: u64,
}

/// What became of the events of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OfKind {
    /// They happened.
    pub generated: u64,
    /// A filter kept them out, in the kernel or behind the ring.
    pub filtered: u64,
    /// They were not in the sample.
    pub sampled_out: u64,
    /// They were lost, by reason.
    pub lost: BTreeMap<&'static str, u64>,
    /// They came, and were handed out.
    pub received: u64,
}

/// The ring was full.
pub const RING_FULL: &str = "ringbuf_full";
/// The way from the thread that finds containers was full.
pub const QUEUE_FULL: &str = "queue_full";
/// The record was not understood.
pub const DECODE: &str = "decode";

impl Account {
    /// How many events were lost, for whatever reason.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.kinds.values().flat_map(|kind| kind.lost.values()).sum::<u64>() + self.unknown
    }

    /// Whether everything that happened is accounted for, and nothing is in the ring.
    #[must_use]
    pub fn is_balanced(&self) -> bool {
        let sum = |number: fn(&OfKind) -> u64| self.kinds.values().map(number).sum::<u64>();
        sum(|kind| kind.generated)
            == sum(|kind| kind.received) + self.lost() + sum(|kind| kind.sampled_out) + sum(|kind| kind.filtered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balances() {
        let lost = BTreeMap::from([(RING_FULL, 3), (DECODE, 1)]);
        let exec = OfKind { generated: 100, filtered: 20, sampled_out: 30, lost, received: 45 };
        let mut account = Account { kinds: [(Kind::Exec, exec)].into(), ..Account::default() };
        assert_eq!((account.lost(), account.is_balanced()), (4, false));
        account.unknown = 1;
        assert_eq!((account.lost(), account.is_balanced()), (5, true));
    }
}
