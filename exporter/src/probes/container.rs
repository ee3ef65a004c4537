//! Starts and stops of containers.

use doubleslit_common::kind::Kind;

use super::{Family, Probe, Program, Source, no_labels};

/// The probe `container`.
pub static PROBE: Probe = Probe {
    name: "container",
    summary: "containers started and stopped: creation and removal of their cgroups",
    programs: &[
        Program {
            name: "cgroup_mkdir",
            tracepoint: "cgroup_mkdir",
            fields: NOTICE_FIELDS,
            arguments: &[],
            kinds: &[Kind::ContainerStart],
            each_run_counts: false,
            describes: &[],
        },
        Program {
            name: "cgroup_rmdir",
            tracepoint: "cgroup_rmdir",
            fields: NOTICE_FIELDS,
            arguments: &[],
            kinds: &[Kind::ContainerStop],
            each_run_counts: false,
            describes: &[],
        },
        Program {
            name: "cgroup_release",
            tracepoint: "cgroup_release",
            fields: NOTICE_FIELDS,
            arguments: &[],
            kinds: &[],
            each_run_counts: false,
            describes: &[],
        },
    ],
    events: &[],
    families: &[
        Family {
            name: "doubleslit_container_starts",
            help: "Containers started",
            kind: Kind::ContainerStart,
            source: Source::Lifecycle,
            labels: &[],
            values: no_labels,
            zeros: &[],
            whole: true,
        },
        Family {
            name: "doubleslit_container_stops",
            help: "Containers stopped",
            kind: Kind::ContainerStop,
            source: Source::Lifecycle,
            labels: &[],
            values: no_labels,
            zeros: &[],
            whole: true,
        },
    ],
};

const NOTICE_FIELDS: &[&str] = &["CGROUP_KN", "CGROUP_ROOT", "CGROUP_ROOT_HIERARCHY_ID", "KERNFS_NODE_ID"];
