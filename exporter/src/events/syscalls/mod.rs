//! What the arguments of system calls mean: by the kernel's own descriptions, and by tables where these say too little.

mod calls;
mod decoded;
mod files;
mod meaning;
mod memory;
mod names;
mod process;
mod signature;
mod sockets;
mod structures;
mod times;

pub use decoded::Decoded;
pub use meaning::Memory;
pub use signature::{Argument, Signatures};

use doubleslit_common::probes::{
    syscall::{CALLS, WANTED},
    syscall_event::{NEVER_RETURNS, REPLACES_MEMORY, Read, Reads, moment, what},
};

use crate::probes::syscall::{Calls, call_name};

/// The calls that never return.
const ENDS: [&str; 2] = ["exit", "exit_group"];

/// The calls that replace the memory in which their arguments are.
const EXECUTIONS: [&str; 2] = ["execve", "execveat"];

/// What the programs have to do with each call when these are sent as single events.
#[must_use]
pub fn bits(calls: &Calls) -> [u8; CALLS] {
    let mut bits = calls.bits();
    for (call, bits) in (0..).zip(&mut bits).filter(|(_, bits)| **bits & WANTED != 0) {
        let name = call_name(call);
        *bits |= if ENDS.contains(&name) { NEVER_RETURNS } else { 0 };
        *bits |= if EXECUTIONS.contains(&name) { REPLACES_MEMORY } else { 0 };
    }
    bits
}

/// Whether all that is told of a call can only be known if it is noted how it begins.
#[must_use]
pub fn needs_beginning(call: u32) -> bool {
    let name = call_name(call);
    let reads = calls::meanings(name).map(meaning::reads).unwrap_or_default();
    let is_early = |read: Read| read.what == what::BYTES && read.moment == moment::BEGIN;
    ENDS.contains(&name) || EXECUTIONS.contains(&name) || reads.reads.into_iter().any(is_early)
}

/// What the programs read of a process's memory, by the number of the call.
pub fn reads() -> impl Iterator<Item = (u32, Reads)> {
    let all = (0..CALLS as u32).filter_map(|call| Some((call, meaning::reads(calls::meanings(call_name(call))?))));
    all.filter(|(_, reads)| *reads != Reads::default())
}

#[cfg(test)]
mod tests {
    use doubleslit_common::probes::syscall_event::READS;

    use super::*;
    use crate::probes::syscall::call_number;

    #[test]
    fn ends_and_executions_are_marked() {
        let bits = bits(&Calls::all());
        let marked = |bit| {
            let calls = (0..).zip(bits).filter(move |(_, bits)| bits & bit != 0);
            calls.map(|(call, _)| call_name(call)).collect::<Vec<_>>()
        };
        assert_eq!(marked(NEVER_RETURNS), ["exit", "exit_group"]);
        assert_eq!(marked(REPLACES_MEMORY), ["execve", "execveat"]);
        assert_eq!(marked(WANTED).len(), CALLS);
        assert!(super::bits(&Calls::default()).iter().all(|bits| *bits == 0));
    }

    #[test]
    fn only_the_first_read_is_made_when_a_call_begins() {
        let mut count = 0;
        for (call, Reads { reads }) in reads() {
            let late = reads[1..].iter().all(|read| read.what == what::NOTHING || read.moment != moment::BEGIN);
            assert!(late && reads[0].what != what::NOTHING, "{}", call_name(call));
            count += 1;
        }
        assert!(count > 60, "{count} calls have something to read");
        assert_eq!(READS, 4);
    }

    #[test]
    fn some_calls_can_be_told_without_their_beginnings() {
        let needs = |name: &str| needs_beginning(call_number(name).expect("there is one"));
        for name in ["openat", "close", "kill", "getppid", "rt_sigreturn"] {
            assert!(!needs(name), "{name}");
        }
        for name in ["exit", "exit_group", "execve", "execveat", "connect"] {
            assert!(needs(name), "{name}");
        }
        let early =
            reads().filter(|(_, Reads { reads })| reads[0].what == what::BYTES && reads[0].moment == moment::BEGIN);
        let count = early.inspect(|(call, _)| assert!(needs_beginning(*call), "{}", call_name(*call))).count();
        assert!(count > 0);
    }
}
