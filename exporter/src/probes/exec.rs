//! Successful executions.

use doubleslit_common::kind::Kind;

use super::{Family, PROCESS_FIELDS, Probe, Program, Source, no_labels};

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
        describes: &[],
    }],
    events: &[Program {
        name: "exec_event",
        tracepoint: "sched_process_exec",
        fields: &[
            "TASK_FS",
            "TASK_MM",
            "MM_ARG_START",
            "MM_ARG_END",
            "BINPRM_FILENAME",
            "BINPRM_INTERP",
            "BINPRM_ARGC",
            "DENTRY_NAME",
            "DENTRY_PARENT",
            "FS_PWD_DENTRY",
            "FS_PWD_MNT",
            "FS_ROOT_DENTRY",
            "FS_ROOT_MNT",
            "MOUNT_MNT",
            "MOUNT_MOUNTPOINT",
            "MOUNT_PARENT",
            "VFSMOUNT_ROOT",
        ],
        arguments: &[],
        kinds: &[Kind::Exec],
        each_run_counts: false,
        describes: &[PROCESS_FIELDS],
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
