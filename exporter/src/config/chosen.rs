//! Single events that are chosen by name, in place of those that the configuration asks for.

use doubleslit_common::kind::Kind;

use super::Config;
use crate::{
    probes::syscall::Calls,
    tracepoints::{name::Selector, select::Wanted},
};

impl Config {
    /// Asks for events of these kinds, for hits of these tracepoints and for these system calls, and for nothing else. What is
    /// configured stays where nothing is chosen.
    pub fn choose(&mut self, kinds: &[Kind], tracepoints: &[Selector], calls: Option<Calls>) {
        let Self { events, tracepoints: wanted, .. } = self;
        if !(kinds.is_empty() && tracepoints.is_empty() && calls.is_none()) {
            events.kinds = kinds.to_vec();
        }
        if !tracepoints.is_empty() {
            events.kinds.push(Kind::Tracepoint);
            let all =
                |selector: &Selector| Wanted { selector: selector.clone(), by: Vec::new(), events: true, raw: false };
            *wanted = tracepoints.iter().map(all).collect();
        }
        if let Some(calls) = calls {
            events.calls = calls;
            events.kinds.retain(|kind| *kind != Kind::Syscall);
            events.kinds.push(Kind::Syscall);
        } else if events.kinds.contains(&Kind::Syscall) && events.calls == Calls::default() {
            events.calls = Calls::all();
        }
    }

    /// Whether hits of tracepoints are all that is asked for, and no tracepoint is named.
    #[must_use]
    pub fn lacks_tracepoints(&self) -> bool {
        self.events.kinds == [Kind::Tracepoint] && !self.tracepoints.iter().any(|wanted| wanted.events)
    }
}
