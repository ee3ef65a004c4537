//! Successful executions.

use doubleslit_common::kind::Kind;

use super::{Family, Probe, Program, Source, no_labels};

/// The probe `exec`.
pub static PROBE: Probe = Probe {
    name: "exec",
    summary: "successful execve and execveat calls",
    programs: &[Program {
        name: "exec",
        tracepoint: "sched_process_exec",
        fields: &[],
        arguments: &[],
        kinds: &[Kind::Exec],
        each_run_counts: true,
    }],
    families: &[Family {
        name: "doubleslit_process_execs",
        help: "Successful execve and execveat calls",
        kind: Kind::Exec,
        source: Source::Counts,
        labels: &[],
        values: no_labels,
        zeros: &[[""; 4]],
        whole: true,
    }],
};
