//! Victims of the OOM killer.

use doubleslit_common::kind::Kind;

use super::{Family, PROCESS_FIELDS, Probe, Program, Source, no_labels};

/// The probe `oom`.
pub static PROBE: Probe = Probe {
    name: "oom",
    summary: "processes that the OOM killer chose, by the victim's cgroup",
    programs: &[Program {
        name: "oom",
        tracepoint: "mark_victim",
        fields: &["TASK_CGROUPS", "CSS_SET_DFL_CGRP", "CGROUP_KN", "KERNFS_NODE_ID"],
        arguments: &["HAS_OOM_VICTIM"],
        kinds: &[Kind::OomKill],
        each_run_counts: true,
        describes: &[],
    }],
    events: &[Program {
        name: "oom_event",
        tracepoint: "mark_victim",
        fields: &[
            "TASK_CGROUPS",
            "CSS_SET_DFL_CGRP",
            "CGROUP_KN",
            "KERNFS_NODE_ID",
            "TASK_MM",
            "MM_TOTAL_VM",
            "MM_PGTABLES_BYTES",
            "MM_RSS_STAT",
            "PERCPU_COUNTER_COUNT",
            "SIGNAL_OOM_SCORE_ADJ",
        ],
        arguments: &["HAS_OOM_VICTIM"],
        kinds: &[Kind::OomKill],
        each_run_counts: false,
        describes: &[PROCESS_FIELDS],
    }],
    families: &[Family {
        name: "doubleslit_process_oom_kills",
        help: "Processes chosen by the OOM killer",
        kind: Kind::OomKill,
        source: Source::Counts,
        labels: &[],
        values: no_labels,
        zeros: &[[""; 4]],
        whole: true,
    }],
};
