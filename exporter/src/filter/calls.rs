//! System calls by names and patterns.

use crate::{
    closest,
    identity::ignore::Pattern,
    probes::syscall::{Calls, call_names},
};

/// The system calls that names and patterns stand for; `all` is all of them.
///
/// # Errors
///
/// When one stands for none: which one, and what there is instead.
pub fn calls(named: &[String]) -> Result<Calls, (usize, String)> {
    let mut calls = Calls::default();
    for (position, text) in named.iter().enumerate() {
        let pattern = if text == "all" { "*" } else { text.as_str() };
        let is_found = Pattern::new(pattern).is_some_and(|pattern| calls.add(|name| pattern.matches(name)));
        if !is_found {
            let names = closest::names(text, call_names());
            return Err((position, format!("a system call of this machine, {names}, or a pattern such as `read*`")));
        }
    }
    Ok(calls)
}
