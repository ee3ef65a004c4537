//! What the kernel decides of filters: the rules that it can test, and the decision itself, which both sides share.
//!
//! The kernel may let too much pass, never too little: userspace filters what comes once more, by everything that there is to
//! know. So a rule that selects stands here with that part of its conditions that the kernel can test, and a rule that drops
//! stands here only when the kernel can test all of it.

use crate::{event::Gate, probes::socket_state::Transition, wire::wire};

/// How many rules the kernel tests, at most: as many as a word has bits.
pub const RULES_MAX: usize = 32;

/// How many lists of selecting rules there can be. Of each, one rule must match.
pub const LAYERS_MAX: usize = 4;

/// What a program knows of an event before it sends it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The effective user of the process that the event is about.
    pub uid: Option<u32>,
    /// The signal's number.
    pub signal: Option<u32>,
    /// The socket that changes its state.
    pub socket: Option<Socket>,
}

impl Facts {
    /// Nothing is known: no rule that asks for more than kind and owner keeps the event out.
    pub const NONE: Self = Self { uid: None, signal: None, socket: None };
}

/// A socket that changes its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Socket {
    /// The change.
    pub transition: Transition,
    /// Its own port.
    pub local_port: u16,
    /// The port at the other end.
    pub peer_port: u16,
}

/// What a rule asks of an event, as far as the kernel can test it: an element of the map `RULES`, which userspace writes.
/// Kinds and owners are not here but in the bits of [`Gate`] and of the map `VERDICTS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Rule {
    /// The signals that match: bit 0 is signal 1.
    pub signals: u64,
    /// The first user that matches.
    pub uid_from: u32,
    /// The last one.
    pub uid_to: u32,
    /// The families that match, a bit for each number of [`Family`](crate::probes::tcp::Family).
    pub families: u32,
    /// The protocols that match, a bit for each number of [`Protocol`](crate::probes::socket_state::Protocol).
    pub protocols: u32,
    /// The states before that match, a bit for each number.
    pub old_states: u32,
    /// The states after that match, a bit for each number.
    pub new_states: u32,
    /// The first port of its own that matches.
    pub local_from: u16,
    /// The last one.
    pub local_to: u16,
    /// The first port at the other end that matches.
    pub peer_from: u16,
    /// The last one.
    pub peer_to: u16,
}

wire!(Rule {
    signals: u64,
    uid_from: u32,
    uid_to: u32,
    families: u32,
    protocols: u32,
    old_states: u32,
    new_states: u32,
    local_from: u16,
    local_to: u16,
    peer_from: u16,
    peer_to: u16,
});

impl Rule {
    /// Asks nothing.
    pub const ANY: Self = Self {
        signals: u64::MAX,
        uid_from: 0,
        uid_to: u32::MAX,
        families: u32::MAX,
        protocols: u32::MAX,
        old_states: u32::MAX,
        new_states: u32::MAX,
        local_from: 0,
        local_to: u16::MAX,
        peer_from: 0,
        peer_to: u16::MAX,
    };

    /// Whether an event is what this asks for. `unknown` is the answer where the facts do not tell.
    #[inline(always)]
    #[must_use]
    pub const fn matches(&self, facts: &Facts, unknown: bool) -> bool {
        let uid = match facts.uid {
            Some(uid) => self.uid_from <= uid && uid <= self.uid_to,
            None => unknown || (self.uid_from == 0 && self.uid_to == u32::MAX),
        };
        let signal = match facts.signal {
            Some(signal) => self.signals >> (signal.wrapping_sub(1) & 63) & 1 == 1,
            None => unknown || self.signals == u64::MAX,
        };
        uid && signal && self.matches_socket(facts, unknown)
    }

    #[inline(always)]
    const fn matches_socket(&self, facts: &Facts, unknown: bool) -> bool {
        let Some(Socket { transition, local_port, peer_port }) = facts.socket else {
            let sets = self.families & self.protocols & self.old_states & self.new_states;
            let first = self.local_from | self.peer_from;
            return unknown || (sets == u32::MAX && first == 0 && self.local_to & self.peer_to == u16::MAX);
        };
        let Transition { family, protocol, old, new } = transition;
        let sets = self.families >> (family as u32 & 31)
            & self.protocols >> (protocol as u32 & 31)
            & self.old_states >> (old & 31)
            & self.new_states >> (new & 31);
        sets & 1 == 1
            && self.local_from <= local_port
            && local_port <= self.local_to
            && self.peer_from <= peer_port
            && peer_port <= self.peer_to
    }
}

impl Gate {
    /// The rules that are to be tested for an event of this kind, given those whose condition on the owner holds. `None` is an
    /// owner that is not known yet: it may be any.
    #[inline(always)]
    #[must_use]
    pub const fn candidates(&self, of_owner: Option<u32>) -> u32 {
        match of_owner {
            Some(holds) => self.rules() & (holds | !self.asks_owner),
            None => self.rules() & !(self.drop & self.asks_owner),
        }
    }

    /// Every rule that matters to this kind.
    #[inline(always)]
    #[must_use]
    pub const fn rules(&self) -> u32 {
        let [a, b, c, d] = self.select;
        a | b | c | d | self.drop
    }

    /// Whether a rule of this number drops what it matches.
    #[inline(always)]
    #[must_use]
    pub const fn is_drop(&self, rule: u32) -> bool {
        self.drop >> (rule & 31) & 1 == 1
    }

    /// Whether an event passes that these rules match: one rule of each list that selects, and none that drops.
    #[inline(always)]
    #[must_use]
    pub const fn passes(&self, matched: u32) -> bool {
        let [a, b, c, d] = self.select;
        let selected = (a == 0 || a & matched != 0)
            && (b == 0 || b & matched != 0)
            && (c == 0 || c & matched != 0)
            && (d == 0 || d & matched != 0);
        selected && self.drop & matched == 0
    }

    /// Decides by rules that are at hand, as the kernel does by those in its map.
    #[must_use]
    pub fn decide(&self, rules: &[Rule], of_owner: Option<u32>, facts: &Facts) -> bool {
        let candidates = self.candidates(of_owner);
        let is_match = |(number, rule): (u32, &Rule)| {
            (candidates >> number & 1 == 1 && rule.matches(facts, !self.is_drop(number))).then_some(1 << number)
        };
        self.passes((0..).zip(rules).filter_map(is_match).fold(0, |matched, bit: u32| matched | bit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::{socket_state::Protocol, tcp::Family};

    const SOCKET: Socket = Socket {
        transition: Transition { family: Family::Ipv4, protocol: Protocol::Tcp, old: 7, new: 2 },
        local_port: 40000,
        peer_port: 443,
    };

    #[test]
    fn each_condition_counts() {
        let facts = Facts { uid: Some(1000), signal: Some(64), socket: Some(SOCKET) };
        assert!(Rule::ANY.matches(&facts, false) && Rule::ANY.matches(&Facts::NONE, false));
        for rule in [
            Rule { signals: !(1 << 63), ..Rule::ANY },
            Rule { uid_from: 1001, ..Rule::ANY },
            Rule { uid_to: 999, ..Rule::ANY },
            Rule { families: !1, ..Rule::ANY },
            Rule { protocols: !1, ..Rule::ANY },
            Rule { old_states: !(1 << 7), ..Rule::ANY },
            Rule { new_states: !(1 << 2), ..Rule::ANY },
            Rule { local_from: 40001, ..Rule::ANY },
            Rule { local_to: 39999, ..Rule::ANY },
            Rule { peer_from: 444, ..Rule::ANY },
            Rule { peer_to: 442, ..Rule::ANY },
        ] {
            assert!(!rule.matches(&facts, true), "{rule:?}");
            assert!(rule.matches(&Facts::NONE, true) && !rule.matches(&Facts::NONE, false), "{rule:?}");
        }
    }

    #[test]
    fn one_of_each_list_and_none_that_drops() {
        let gate = Gate { select: [0b0011, 0b0100, 0, 0], drop: 0b1000, ..Gate::open(1) };
        for (matched, passes) in [(0b0101, true), (0b0110, true), (0b0011, false), (0b0100, false), (0b1101, false)] {
            assert_eq!(gate.passes(matched), passes, "{matched:b}");
        }
        assert!(Gate::open(1).passes(0));
    }

    #[test]
    fn an_unknown_owner_is_selected_and_not_dropped() {
        let gate = Gate { select: [0b01, 0, 0, 0], drop: 0b10, asks_owner: 0b11, ..Gate::open(1) };
        let decide = |owner| gate.decide(&[Rule::ANY, Rule::ANY], owner, &Facts::NONE);
        assert_eq!([None, Some(0), Some(0b01), Some(0b11)].map(decide), [true, false, true, false]);
    }
}
