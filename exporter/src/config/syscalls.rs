//! What the probe of system calls counts.

use super::{Syscalls, error::Error, events::list, understood::switch, written};
use crate::{
    closest::names,
    filter::Owners,
    identity::ignore::Pattern,
    probes::syscall::{Calls, call_names},
};

impl TryFrom<written::Syscalls> for Syscalls {
    type Error = Error;

    fn try_from(written: written::Syscalls) -> Result<Self, Error> {
        let written::Syscalls { calls: named, time, select, drop } = written;
        Ok(Self {
            calls: counted(&named)?,
            time: switch("syscalls.time", &time)?,
            of: Owners::new(list("syscalls.select", select)?, list("syscalls.drop", drop)?)?,
        })
    }
}

/// The calls that are counted.
fn counted(written: &[String]) -> Result<Calls, Error> {
    const KEY: &str = "syscalls.calls";
    if written.is_empty() {
        return Err(Error::value(KEY, "[]", "at least one name; `probes.syscall: false` counts none"));
    }
    calls(KEY, written)
}

/// The calls that names or patterns stand for.
///
/// # Errors
///
/// When there is no such call.
pub fn calls(key: &str, written: &[String]) -> Result<Calls, Error> {
    let mut calls = Calls::default();
    for text in written {
        let pattern = if text == "all" { "*" } else { text.as_str() };
        let is_found = Pattern::new(pattern).is_some_and(|pattern| calls.add(|name| pattern.matches(name)));
        if !is_found {
            let expected =
                format!("a system call of this machine, {}, or a pattern such as `read*`", names(text, call_names()));
            return Err(Error::value(key, text, expected));
        }
    }
    Ok(calls)
}
