//! System calls that return.

mod names;

use doubleslit_common::{
    kind::Kind,
    probes::syscall::{self, CALLS, FORKS, WANTED},
};

use super::{Family, Probe, Program, Source, Values};

/// The probe `syscall`.
pub static PROBE: Probe = Probe {
    name: "syscall",
    summary: "system calls that returned, by name and error; off by default, the setting `syscalls.calls` selects",
    programs: &[Program {
        name: "syscall",
        tracepoint: "sys_exit",
        fields: &[NUMBER_FIELD, COMPAT_FIELD],
        arguments: &[],
        kinds: &[Kind::Syscall],
        each_run_counts: false,
        describes: &[],
    }],
    events: &[],
    families: &[Family {
        name: "doubleslit_syscalls",
        help: "System calls that returned, by name and error; compat is all 32-bit calls, and exit and exit_group never return",
        kind: Kind::Syscall,
        source: Source::Counts,
        labels: &["syscall", "errno"],
        values,
        zeros: &[],
        whole: true,
    }],
};

#[cfg(target_arch = "x86_64")]
const NUMBER_FIELD: &str = "PT_REGS_ORIG_AX";
#[cfg(not(target_arch = "x86_64"))]
const NUMBER_FIELD: &str = "PT_REGS_SYSCALLNO";
#[cfg(target_arch = "x86_64")]
const COMPAT_FIELD: &str = "TASK_COMPAT_STATUS";
#[cfg(not(target_arch = "x86_64"))]
const COMPAT_FIELD: &str = "TASK_COMPAT_FLAGS";

/// The calls that make a task and return in it too.
const FORKING: [&str; 4] = ["clone", "clone3", "fork", "vfork"];

/// The call and the error of a detail.
pub(crate) fn values(detail: u32) -> Option<Values> {
    Some([names::call(syscall::call_of(detail)), syscall::error_of(detail).map_or("other", names::error), "", ""])
}

/// The names of all calls that this machine has.
pub fn call_names() -> impl Iterator<Item = &'static str> {
    (0..CALLS as u32).map(names::call).filter(|name| !name.starts_with(|c: char| c.is_ascii_digit()))
}

/// A choice of calls.
#[derive(Clone, PartialEq, Eq)]
pub struct Calls([u8; CALLS]);

impl Default for Calls {
    /// None.
    fn default() -> Self {
        Self([0; CALLS])
    }
}

impl Calls {
    /// All of them.
    #[must_use]
    pub fn all() -> Self {
        let mut calls = Self::default();
        calls.add(|_| true);
        calls
    }

    /// Adds the calls whose names match; those without a name have their number. Says whether there are any.
    pub fn add(&mut self, matches: impl Fn(&str) -> bool) -> bool {
        let mut is_found = false;
        for (call, bits) in (0..).zip(&mut self.0) {
            let name = names::call(call);
            if matches(name) {
                is_found = true;
                *bits = if FORKING.contains(&name) { WANTED | FORKS } else { WANTED };
            }
        }
        is_found
    }

    /// What the programs have to do with each call.
    #[must_use]
    pub fn bits(&self) -> &[u8; CALLS] {
        &self.0
    }
}

impl std::fmt::Debug for Calls {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let wanted = (0..).zip(self.0).filter(|(_, bits)| *bits != 0);
        formatter.debug_set().entries(wanted.map(|(call, _)| names::call(call))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::OTHER_DETAIL, *};

    #[test]
    fn details_have_names() {
        let openat = (0..).find(|call| names::call(*call) == "openat").expect("every architecture has it");
        for (call, result, expected) in [
            (openat, 3, ["openat", "OK"]),
            (openat, -2, ["openat", "ENOENT"]),
            (openat, -512, ["openat", "ERESTARTSYS"]),
            (openat, -200, ["openat", "200"]),
            (openat, -4000, ["openat", "other"]),
            (syscall::RT_SIGRETURN, -4, ["rt_sigreturn", "OK"]),
            (syscall::COMPAT, -11, ["compat", "EAGAIN"]),
            (syscall::OTHER, -38, ["other", "ENOSYS"]),
            (1000, -38, ["1000", "ENOSYS"]),
        ] {
            assert_eq!(values(syscall::detail(call, result)), Some([expected[0], expected[1], "", ""]));
        }
        assert_eq!(values(OTHER_DETAIL), Some(["other", "other", "", ""]));
    }

    #[test]
    fn choices() {
        let mut calls = Calls::default();
        assert!(calls.add(|name| name == "rt_sigreturn"));
        assert_eq!(
            calls.bits().iter().filter(|bits| **bits == WANTED).count(),
            2,
            "its number, and what stands for it"
        );
        assert!(calls.add(|name| name == "clone3"));
        assert_eq!(calls.bits()[435], WANTED | FORKS);
        assert!(!calls.add(|name| name == "no_such_call"));
        assert!(Calls::all().bits().iter().all(|bits| bits & WANTED != 0));
    }
}
