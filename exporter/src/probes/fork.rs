//! Creation of processes and threads.

use doubleslit_common::kind::Kind;

use super::{Family, PROCESS_FIELDS, Probe, Program, Source, no_labels};

/// The probe `fork`.
pub static PROBE: Probe = Probe {
    name: "fork",
    summary: "processes and threads created, in the cgroup that the new task starts in",
    programs: &[Program {
        name: "fork",
        tracepoint: "sched_process_fork",
        fields: &["TASK_CGROUPS", "CSS_SET_DFL_CGRP", "CGROUP_KN", "KERNFS_NODE_ID", "TASK_PID", "TASK_TGID"],
        arguments: &[],
        kinds: &[Kind::Fork, Kind::Thread],
        each_run_counts: false,
        describes: &[],
    }],
    events: &[Program {
        name: "fork_event",
        tracepoint: "sched_process_fork",
        fields: &["TASK_CGROUPS", "CSS_SET_DFL_CGRP", "CGROUP_KN", "KERNFS_NODE_ID"],
        arguments: &[],
        kinds: &[Kind::Fork, Kind::Thread],
        each_run_counts: false,
        describes: &[PROCESS_FIELDS],
    }],
    families: &[
        Family {
            name: "doubleslit_process_forks",
            help: "Processes created",
            kind: Kind::Fork,
            source: Source::Counts,
            labels: &[],
            values: no_labels,
            zeros: &[[""; 4]],
            whole: true,
        },
        Family {
            name: "doubleslit_process_thread_starts",
            help: "Threads created",
            kind: Kind::Thread,
            source: Source::Counts,
            labels: &[],
            values: no_labels,
            zeros: &[[""; 4]],
            whole: true,
        },
    ],
};
