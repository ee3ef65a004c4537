//! Of which system calls traces want some, as the kernel is told for each call.

use doubleslit_common::{
    probes::syscall::{CALLS, NOTED},
    traced::{self, ALL_OF_SOME, OF_ANYBODY, OF_SOME, WHOLE},
};

use crate::probes::syscall::Calls;

/// How many want a call, or all calls.
#[derive(Clone, Copy, Debug, Default)]
struct Wanting {
    /// Of anybody.
    anybody: u32,
    /// Of some cgroup each.
    some: u32,
}

/// What is wanted of calls, and the bits of each call that were told.
#[derive(Debug)]
pub(super) struct TracedCalls {
    each: Vec<Wanting>,
    all: Wanting,
    noted: Noted,
    noted_of_anybody: Noted,
    told: Vec<u32>,
}

impl Default for TracedCalls {
    /// None is wanted.
    fn default() -> Self {
        Self {
            each: vec![Wanting::default(); CALLS],
            all: Wanting::default(),
            noted: Noted::default(),
            noted_of_anybody: Noted::default(),
            told: vec![0; CALLS],
        }
    }
}

impl TracedCalls {
    /// One more key wants a call, or with [`WHOLE`] all of them. Returns the calls that have other bits now.
    pub(super) fn on(&mut self, call: u32, is_of_anybody: bool) -> Vec<(u32, u32)> {
        *self.wanting(call, is_of_anybody) += 1;
        let noted = if is_of_anybody { &mut self.noted_of_anybody } else { &mut self.noted };
        noted.add(call);
        self.news()
    }

    /// A key does no more.
    pub(super) fn off(&mut self, call: u32, is_of_anybody: bool) -> Vec<(u32, u32)> {
        let wanting = self.wanting(call, is_of_anybody);
        *wanting = wanting.saturating_sub(1);
        self.news()
    }

    fn wanting(&mut self, call: u32, is_of_anybody: bool) -> &mut u32 {
        let wanting = self.each.get_mut(call as usize).unwrap_or(&mut self.all);
        if is_of_anybody { &mut wanting.anybody } else { &mut wanting.some }
    }

    fn news(&mut self) -> Vec<(u32, u32)> {
        let Self { each, all, noted, noted_of_anybody, told } = self;
        let noted = noted.bits.iter().zip(&noted_of_anybody.bits);
        let mut news = Vec::new();
        for (call, ((each, (noted, noted_of_anybody)), told)) in (0..).zip(each.iter().zip(noted).zip(told)) {
            let bit = |is_set: bool, bit: u32| if is_set { bit } else { 0 };
            let bits = bit(each.anybody + all.anybody > 0, OF_ANYBODY)
                | bit(each.some > 0, OF_SOME)
                | bit(all.some > 0, ALL_OF_SOME)
                | bit(*noted & NOTED != 0, traced::NOTED)
                | bit(*noted_of_anybody & NOTED != 0, traced::NOTED_OF_ANYBODY);
            if bits != *told {
                *told = bits;
                news.push((call, bits));
            }
        }
        news
    }
}

/// The calls whose beginnings were noted, and their bits.
#[derive(Debug)]
struct Noted {
    calls: Calls,
    bits: [u8; CALLS],
}

impl Default for Noted {
    /// None.
    fn default() -> Self {
        Self { calls: Calls::default(), bits: [0; CALLS] }
    }
}

impl Noted {
    fn add(&mut self, call: u32) {
        let is_there = if call == WHOLE { self.calls == Calls::all() } else { self.calls.has(call) };
        if is_there {
            return;
        }
        if call == WHOLE {
            self.calls = Calls::all();
        } else {
            self.calls.insert(call);
        }
        self.bits = self.calls.bits();
    }
}

#[cfg(test)]
mod tests {
    use doubleslit_common::probes::syscall::COMPAT;

    use super::*;
    use crate::probes::syscall::call_number;

    fn call(name: &str) -> u32 {
        call_number(name).expect("every architecture has it")
    }

    #[test]
    fn each_call_has_bits_for_who_wants_it() {
        const ANYBODY: u32 = OF_ANYBODY | traced::NOTED_OF_ANYBODY;
        let (openat, close) = (call("openat"), call("close"));
        let mut calls = TracedCalls::default();
        assert_eq!(calls.on(openat, false), [(openat, OF_SOME | traced::NOTED)]);
        assert_eq!(calls.on(openat, false), []);
        assert_eq!(calls.on(openat, true), [(openat, OF_SOME | traced::NOTED | ANYBODY)]);
        assert_eq!(calls.off(openat, false), []);
        assert_eq!(calls.off(openat, false), [(openat, traced::NOTED | ANYBODY)]);
        assert_eq!(calls.on(close, true), [(close, ANYBODY)]);
        let left = traced::NOTED | traced::NOTED_OF_ANYBODY;
        assert_eq!(calls.off(openat, true), [(openat, left)], "its last call may not have returned");
    }

    #[test]
    fn all_calls_are_wanted_together() {
        let mut calls = TracedCalls::default();
        let news = calls.on(WHOLE, false);
        assert_eq!(news.len(), CALLS);
        assert!(news.iter().all(|(_, bits)| *bits == ALL_OF_SOME | traced::NOTED));
        assert_eq!(calls.on(3, true).len(), 1);
        assert_eq!(calls.on(WHOLE, true).len(), CALLS - 1);
        assert_eq!(calls.off(WHOLE, false).len(), CALLS);
        assert_eq!(calls.off(WHOLE, true).len(), CALLS - 1);
    }

    #[test]
    fn an_execution_may_return_as_another_call() {
        let mut calls = TracedCalls::default();
        let (execve, execveat) = (call("execve"), call("execveat"));
        let mut expected = [(execve, traced::NOTED), (execveat, OF_SOME | traced::NOTED), (COMPAT, traced::NOTED)];
        expected.sort_unstable();
        assert_eq!(calls.on(execveat, false), expected);
    }
}
