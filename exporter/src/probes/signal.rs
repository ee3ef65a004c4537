//! Signals: generated, delivered, and who sent which to whom.

use doubleslit_common::{kind::Kind, probes::signal};

use super::{Family, PROCESS_FIELDS, Probe, Program, Source, Values};

/// The probe `signal`.
pub static PROBE: Probe = Probe {
    name: "signal",
    summary: "signals generated (with sender and result) and delivered, by the target's cgroup",
    programs: &[
        Program {
            name: "signal_generate",
            tracepoint: "signal_generate",
            fields: &["TASK_CGROUPS", "CSS_SET_DFL_CGRP", "CGROUP_KN", "KERNFS_NODE_ID", "SIGINFO_CODE"],
            arguments: &[],
            kinds: &[Kind::SignalGenerate],
            each_run_counts: true,
            describes: &[],
        },
        Program {
            name: "signal_deliver",
            tracepoint: "signal_deliver",
            fields: &[],
            arguments: &[],
            kinds: &[Kind::SignalDeliver],
            each_run_counts: true,
            describes: &[],
        },
    ],
    events: &[
        Program {
            name: "signal_generate_event",
            tracepoint: "signal_generate",
            fields: &[
                "TASK_CGROUPS",
                "CSS_SET_DFL_CGRP",
                "CGROUP_KN",
                "KERNFS_NODE_ID",
                "SIGINFO_CODE",
                "SIGINFO_ERRNO",
                "TASK_MM",
                "MM_EXE_FILE",
                "FILE_DENTRY",
                "DENTRY_NAME",
            ],
            arguments: &[],
            kinds: &[Kind::SignalGenerate],
            each_run_counts: false,
            describes: &[PROCESS_FIELDS],
        },
        Program {
            name: "signal_deliver_event",
            tracepoint: "signal_deliver",
            fields: &["SIGINFO_CODE", "SIGINFO_ERRNO", "SIGACTION_HANDLER", "SIGACTION_FLAGS"],
            arguments: &[],
            kinds: &[Kind::SignalDeliver],
            each_run_counts: false,
            describes: &[PROCESS_FIELDS],
        },
    ],
    families: &[
        Family {
            name: "doubleslit_signals_generated",
            help: "Signals generated for processes, by result",
            kind: Kind::SignalGenerate,
            source: Source::Counts,
            labels: &["signal", "result"],
            values: signal_and_result,
            zeros: &[],
            whole: true,
        },
        Family {
            name: "doubleslit_signal_edges",
            help: "Signals generated, by who sent them to whom; the senders (kernel) and (unknown) are no containers",
            kind: Kind::SignalGenerate,
            source: Source::Edges,
            labels: &["signal", "result"],
            values: signal_and_result,
            zeros: &[],
            whole: false,
        },
        Family {
            name: "doubleslit_signals_delivered",
            help: "Signals delivered to a handler or their default action; one that ends a process is delivered as SIGKILL",
            kind: Kind::SignalDeliver,
            source: Source::Counts,
            labels: &["signal"],
            values: signal_alone,
            zeros: &[],
            whole: true,
        },
    ],
};

fn signal_and_result(detail: u32) -> Option<Values> {
    Some([name(signal::signal(detail)), signal::result(detail).map_or("other", signal::SignalResult::name), "", ""])
}

fn signal_alone(detail: u32) -> Option<Values> {
    Some([name(signal::signal(detail)), "", "", ""])
}

/// The name of a signal (include/uapi/asm-generic/signal.h); real-time signals are counted from `SIGRTMIN` as glibc does,
/// for which the kernel's 32 and 33 are internal.
#[must_use]
pub fn name(number: u32) -> &'static str {
    NAMES.get(number as usize).copied().unwrap_or("other")
}

#[rustfmt::skip]
static NAMES: [&str; 65] = [
    "other", "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS",
    "SIGFPE", "SIGKILL", "SIGUSR1", "SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM",
    "SIGSTKFLT", "SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG",
    "SIGXCPU", "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR", "SIGSYS",
    "SIGRTMIN-2", "SIGRTMIN-1", "SIGRTMIN", "SIGRTMIN+1", "SIGRTMIN+2", "SIGRTMIN+3", "SIGRTMIN+4", "SIGRTMIN+5",
    "SIGRTMIN+6", "SIGRTMIN+7", "SIGRTMIN+8", "SIGRTMIN+9", "SIGRTMIN+10", "SIGRTMIN+11", "SIGRTMIN+12", "SIGRTMIN+13",
    "SIGRTMIN+14", "SIGRTMIN+15", "SIGRTMIN+16", "SIGRTMIN+17", "SIGRTMIN+18", "SIGRTMIN+19", "SIGRTMIN+20", "SIGRTMIN+21",
    "SIGRTMIN+22", "SIGRTMIN+23", "SIGRTMIN+24", "SIGRTMIN+25", "SIGRTMIN+26", "SIGRTMIN+27", "SIGRTMIN+28", "SIGRTMIN+29",
    "SIGRTMIN+30",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_by_number() {
        for (number, expected) in [
            (1, "SIGHUP"),
            (9, "SIGKILL"),
            (11, "SIGSEGV"),
            (15, "SIGTERM"),
            (17, "SIGCHLD"),
            (31, "SIGSYS"),
            (34, "SIGRTMIN"),
            (64, "SIGRTMIN+30"),
            (65, "other"),
        ] {
            assert_eq!(name(number), expected);
        }
    }
}
