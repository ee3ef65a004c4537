//! Named choices of kinds and rules.

use doubleslit_common::kind::Kind;

use super::{Filter, FilterError, List, WrittenRule};
use crate::events::fields::KINDS;

/// A named choice of kinds and rules.
#[derive(Debug)]
pub struct Profile {
    /// Its name in the configuration.
    pub name: &'static str,
    /// The kinds that it has, if they are sent as single events.
    kinds: &'static [Kind],
    /// Rules that select.
    select: &'static [&'static str],
}

/// Every profile.
pub static PROFILES: [Profile; 4] = [
    Profile { name: "default", kinds: &Kind::ALL, select: &[] },
    Profile { name: "signals-only", kinds: &[Kind::SignalGenerate, Kind::SignalDeliver], select: &[] },
    Profile {
        name: "security",
        kinds: &[Kind::Exec, Kind::SignalGenerate, Kind::OomKill, Kind::ContainerStart, Kind::ContainerStop],
        select: &[
            "event=!signal",
            "signal=SIGKILL,signal=SIGSEGV,signal=SIGBUS,signal=SIGILL,signal=SIGSYS,signal=SIGABRT,result=!ignored",
        ],
    },
    Profile {
        name: "network",
        kinds: &[Kind::SocketState, Kind::TcpRetransmit, Kind::TcpResetReceive],
        select: &["event=!socket", "new_state=established", "new_state=listen", "new_state=closed"],
    },
];

impl Profile {
    /// The profile with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        PROFILES.iter().find(|profile| profile.name == name)
    }

    /// The kinds that it has. System calls are sent where they are asked for by their names.
    #[must_use]
    pub fn kinds(&self) -> Vec<Kind> {
        KINDS.iter().copied().filter(|kind| self.kinds.contains(kind) && *kind != Kind::Syscall).collect()
    }

    /// Its rules.
    ///
    /// # Errors
    ///
    /// When one makes no sense.
    pub fn filter(&self) -> Result<Filter, FilterError> {
        let rules = self.select.iter().map(|rule| WrittenRule::parse(rule, self.name)).collect::<Result<_, _>>()?;
        Filter::default().and(List { name: self.name, rules }, List { name: self.name, rules: Vec::new() })
    }
}
