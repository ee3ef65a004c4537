//! What the probe of system calls counts.

use std::slice;

use super::{Syscalls, error::Error, events::list, understood::switch, written};
use crate::{
    filter::{self, Owners},
    probes::syscall::Calls,
};

impl TryFrom<written::Syscalls> for Syscalls {
    type Error = Error;

    fn try_from(written: written::Syscalls) -> Result<Self, Error> {
        let written::Syscalls { calls: named, time, histograms, select, drop } = written;
        let mut calls = counted(&named)?;
        keep_histograms(&mut calls, &histograms)?;
        Ok(Self {
            // A histogram is one of times.
            time: switch("syscalls.time", &time)? || calls.have_histograms(),
            calls,
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

/// Has histograms kept of the calls that are named.
fn keep_histograms(calls: &mut Calls, written: &[String]) -> Result<(), Error> {
    const KEY: &str = "syscalls.histograms";
    for text in written {
        let named = self::calls(KEY, slice::from_ref(text))?;
        if !calls.add_histograms(&named) {
            return Err(Error::value(KEY, text, "a call that is counted: one that `syscalls.calls` names too"));
        }
    }
    Ok(())
}

/// The calls that names or patterns stand for.
///
/// # Errors
///
/// When there is no such call.
pub fn calls(key: &str, written: &[String]) -> Result<Calls, Error> {
    filter::calls(written).map_err(|(position, expected)| Error::value(key, &written[position], expected))
}
