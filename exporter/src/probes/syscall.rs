//! System calls that return, and how long they take.

mod names;
mod taxonomy;

use doubleslit_common::{
    kind::Kind,
    probes::syscall::{self, CALLS, COMPAT, FORKS, HISTOGRAM, NOTED, WANTED},
};

use super::{Family, PROCESS_FIELDS, Probe, Program, Source, Values};

/// The probe `syscall`.
pub static PROBE: Probe = Probe {
    name: "syscall",
    summary: "system calls that returned, by name and error, and how long they took; off by default, the settings `syscalls` select",
    programs: &[
        ENTRY,
        Program {
            name: "syscall",
            tracepoint: "sys_exit",
            fields: &[NUMBER_FIELD, COMPAT_FIELD],
            arguments: &[],
            kinds: &[Kind::Syscall],
            each_run_counts: false,
            describes: &[],
        },
    ],
    events: &[
        // What is noted of beginnings is sent by the other one.
        Program {
            name: "syscall_event",
            tracepoint: "sys_exit",
            fields: EVENT_FIELDS,
            arguments: &[],
            kinds: &[Kind::Syscall],
            each_run_counts: false,
            describes: &[PROCESS_FIELDS],
        },
        BEGIN,
    ],
    families: &[
        Family {
            name: "doubleslit_syscalls",
            help: "System calls that returned, by name and error; compat is all 32-bit calls, and exit and exit_group never return",
            kind: Kind::Syscall,
            source: Source::Counts,
            labels: &["syscall", "errno"],
            values,
            zeros: &[],
            whole: true,
        },
        by_call(
            "doubleslit_syscall_duration_seconds",
            "Time between entry and return of system calls, by name, with the setting `syscalls.time`",
            Kind::SyscallTime,
        ),
        by_call(
            "doubleslit_syscalls_untimed",
            "System calls that returned without having been timed: they were under way when the probe was attached, or were \
                   refused, by seccomp for example, before they began",
            Kind::SyscallUntimed,
        ),
        by_call(
            "doubleslit_syscall_latency_seconds",
            "How long each system call took, of those that the setting `syscalls.histograms` names",
            Kind::SyscallLatency,
        ),
    ],
};

/// A family with one row for each call.
const fn by_call(name: &'static str, help: &'static str, kind: Kind) -> Family {
    Family {
        name,
        help,
        kind,
        source: Source::Counts,
        labels: &["syscall"],
        values: call_values,
        zeros: &[],
        whole: true,
    }
}

/// The program that notes when a call begins. Only then the other one counts times.
pub const ENTRY: Program = Program {
    name: "syscall_entry",
    tracepoint: "sys_enter",
    fields: &[COMPAT_FIELD],
    arguments: &[],
    kinds: &[Kind::SyscallTime, Kind::SyscallUntimed, Kind::SyscallLatency],
    each_run_counts: false,
    describes: &[],
};

/// The program that notes how a call begins that is sent. Without it, calls have no durations, and some of their arguments are not
/// known.
pub const BEGIN: Program = Program {
    name: "syscall_begin",
    tracepoint: "sys_enter",
    fields: EVENT_FIELDS,
    arguments: &[],
    kinds: &[Kind::Syscall],
    each_run_counts: false,
    describes: &[PROCESS_FIELDS],
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

/// The calls that execute another program. They return as what it would call: as a 32-bit call if it is such a program, and
/// on x86-64 as `execve` in any case (`set_personality_64bit`, arch/x86/kernel/process_64.c).
const EXECUTING: [&str; 2] = ["execve", "execveat"];

/// The call and the error of a detail.
pub(crate) fn values(detail: u32) -> Option<Values> {
    Some([names::call(syscall::call_of(detail)), syscall::error_of(detail).map_or("other", names::error), "", ""])
}

fn call_values(detail: u32) -> Option<Values> {
    Some([names::call(syscall::call_of(detail)), "", "", ""])
}

/// The registers that have number and arguments.
#[cfg(target_arch = "x86_64")]
const EVENT_FIELDS: &[&str] = &[
    NUMBER_FIELD,
    COMPAT_FIELD,
    "PT_REGS_DI",
    "PT_REGS_SI",
    "PT_REGS_DX",
    "PT_REGS_R10",
    "PT_REGS_R8",
    "PT_REGS_R9",
    "PT_REGS_BX",
    "PT_REGS_CX",
    "PT_REGS_BP",
    "TASK_MM",
    "MM_ARG_START",
    "MM_ARG_END",
    "MM_SAVED_AUXV",
];
#[cfg(not(target_arch = "x86_64"))]
const EVENT_FIELDS: &[&str] = &[
    NUMBER_FIELD,
    COMPAT_FIELD,
    "PT_REGS_ORIG_X0",
    "PT_REGS_REGS",
    "TASK_MM",
    "MM_ARG_START",
    "MM_ARG_END",
    "MM_SAVED_AUXV",
];

/// The name of a call, see [`syscall::call`]; its number where it has none.
#[must_use]
pub fn call_name(call: u32) -> &'static str {
    names::call(call)
}

/// The first call with this name, see [`syscall::call`].
#[must_use]
pub fn call_number(name: &str) -> Option<u32> {
    (0..CALLS as u32).find(|call| names::call(*call) == name)
}

/// The name of an error; that of none is `OK`.
#[must_use]
pub fn error_name(error: u32) -> &'static str {
    names::error(error)
}

/// The names of all calls that this machine has.
pub fn call_names() -> impl Iterator<Item = &'static str> {
    (0..CALLS as u32).map(names::call).filter(|name| !name.starts_with(|c: char| c.is_ascii_digit()))
}

/// The class and the group of the call with this name; both are `unknown` if no kernel of today implements it.
#[must_use]
pub fn class_and_group(call: &str) -> (&'static str, &'static str) {
    taxonomy::of(call)
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
        for call in (0..CALLS as u32).filter(|call| matches(names::call(*call))) {
            is_found = true;
            self.insert(call);
        }
        is_found
    }

    /// Adds a call.
    pub fn insert(&mut self, call: u32) {
        if let Some(bits) = self.0.get_mut(call as usize) {
            *bits = if FORKING.contains(&names::call(call)) { WANTED | FORKS } else { WANTED };
        }
    }

    /// Those that are chosen.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        (0..).zip(self.0).filter(|(_, bits)| *bits != 0).map(|(call, _)| call)
    }

    /// Has a histogram kept of those that are among others. Says whether there are any.
    pub fn add_histograms(&mut self, others: &Self) -> bool {
        let mut is_found = false;
        for (bits, others) in self.0.iter_mut().zip(others.0).filter(|(bits, _)| **bits != 0) {
            if others != 0 {
                is_found = true;
                *bits |= HISTOGRAM;
            }
        }
        is_found
    }

    /// Whether a histogram is kept of a call.
    #[must_use]
    pub fn has_histogram(&self, call: u32) -> bool {
        self.0.get(call as usize).is_some_and(|bits| bits & HISTOGRAM != 0)
    }

    /// Whether a histogram is kept of any.
    #[must_use]
    pub fn have_histograms(&self) -> bool {
        self.0.iter().any(|bits| bits & HISTOGRAM != 0)
    }

    /// Whether a call is one of them.
    #[must_use]
    pub fn has(&self, call: u32) -> bool {
        self.0.get(call as usize).is_some_and(|bits| *bits != 0)
    }

    /// What the programs have to do with each call.
    #[must_use]
    pub fn bits(&self) -> [u8; CALLS] {
        let executes = |call: u32| call == COMPAT || EXECUTING.contains(&names::call(call));
        let is_wanted = |bits: u8| bits & WANTED != 0;
        let any_executes = (0..).zip(self.0).any(|(call, bits)| is_wanted(bits) && executes(call));
        let mut all = self.0;
        for (call, bits) in (0..).zip(&mut all) {
            if is_wanted(*bits) || any_executes && executes(call) {
                *bits |= NOTED;
            }
        }
        all
    }
}

impl std::fmt::Debug for Calls {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.iter().map(names::call)).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{super::OTHER_DETAIL, *};

    #[test]
    fn details_have_names() {
        let openat = call_number("openat").expect("every architecture has it");
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
        assert_eq!(call_values(openat), Some(["openat", "", "", ""]));
        assert_eq!(call_values(OTHER_DETAIL), Some(["other", "", "", ""]));
    }

    #[test]
    fn choices() {
        let mut calls = Calls::default();
        assert!(calls.add(|name| name == "rt_sigreturn"));
        assert_eq!(
            calls.bits().iter().filter(|bits| **bits == WANTED | NOTED).count(),
            2,
            "its number, and what stands for it"
        );
        assert!(calls.add(|name| name == "clone3"));
        assert_eq!(calls.bits()[435], WANTED | FORKS | NOTED);
        assert!(!calls.add(|name| name == "no_such_call"));
        let mut others = Calls::default();
        assert!(others.add(|name| ["clone3", "openat"].contains(&name)));
        assert!(!calls.have_histograms() && calls.add_histograms(&others) && calls.have_histograms());
        assert_eq!(calls.bits()[435], WANTED | FORKS | NOTED | HISTOGRAM);
        assert_eq!((0..CALLS as u32).filter(|call| calls.has_histogram(*call)).collect::<Vec<_>>(), [435]);
        let mut none = Calls::default();
        assert!(!none.add_histograms(&others) && !none.have_histograms());
        assert!(Calls::all().bits().iter().all(|bits| bits & WANTED != 0));
    }

    #[test]
    fn an_execution_returns_as_another_call() {
        let number = |name: &str| call_number(name).expect("every architecture has it");
        let executing = ["execve", "execveat", "compat"].map(number);
        for wanted in executing {
            let mut calls = Calls::default();
            assert!(calls.add(|name| name == names::call(wanted)));
            let bits = calls.bits();
            let noted = (0..).zip(bits).filter(|(_, bits)| bits & NOTED != 0).map(|(call, _)| call);
            assert_eq!(noted.collect::<BTreeSet<u32>>(), BTreeSet::from(executing));
            assert_eq!(executing.map(|call| bits[call as usize] & WANTED != 0), executing.map(|call| call == wanted));
        }
    }
}
