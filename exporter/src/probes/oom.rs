//! Victims of the OOM killer.

use doubleslit_common::kind::Kind;

use super::{Family, Probe, Program, Source, no_labels};

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
