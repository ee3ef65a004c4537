//! The names of system calls, and what they mean.

use super::error::Error;
use crate::{
    closest::names,
    identity::ignore::Pattern,
    probes::syscall::{Calls, call_names},
};

/// The calls that names or patterns stand for.
pub(super) fn calls(written: &[String]) -> Result<Calls, Error> {
    const KEY: &str = "syscalls.calls";
    if written.is_empty() {
        return Err(Error::value(KEY, "[]", "at least one name; `probes.syscall: false` counts none"));
    }
    let mut calls = Calls::default();
    for text in written {
        let is_found = Pattern::new(text).is_some_and(|pattern| calls.add(|name| pattern.matches(name)));
        if !is_found {
            let expected =
                format!("a system call of this machine, {}, or a pattern such as `read*`", names(text, call_names()));
            return Err(Error::value(KEY, text, expected));
        }
    }
    Ok(calls)
}
