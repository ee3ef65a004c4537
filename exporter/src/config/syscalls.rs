//! What the probe of system calls counts.

use super::{Syscalls, error::Error, events::list, understood::switch, written};
use crate::{
    filter::{self, Owners},
    probes::syscall::Calls,
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
    filter::calls(written).map_err(|(position, expected)| Error::value(key, &written[position], expected))
}
