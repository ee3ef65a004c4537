//! Ends of processes.

use doubleslit_common::{kind::Kind, probes::exit::Outcome};

use super::{Family, PROCESS_FIELDS, Probe, Program, Source, Values};

/// The probe `exit`.
pub static PROBE: Probe = Probe {
    name: "exit",
    summary: "processes that ended, by outcome",
    programs: &[Program {
        name: "exit",
        tracepoint: "sched_process_exit",
        fields: &[
            "TASK_PID",
            "TASK_TGID",
            "TASK_EXIT_CODE",
            "TASK_GROUP_LEADER",
            "TASK_SIGNAL",
            "SIGNAL_FLAGS",
            "SIGNAL_GROUP_EXIT_CODE",
        ],
        arguments: &[],
        kinds: &[Kind::Exit],
        each_run_counts: false,
        describes: &[],
    }],
    events: &[Program {
        name: "exit_event",
        tracepoint: "sched_process_exit",
        fields: &["TASK_EXIT_CODE", "SIGNAL_FLAGS", "SIGNAL_GROUP_EXIT_CODE", "SIGNAL_OOM_MM"],
        arguments: &[],
        kinds: &[Kind::Exit],
        each_run_counts: false,
        describes: &[PROCESS_FIELDS],
    }],
    families: &[Family {
        name: "doubleslit_process_exits",
        help: "Processes that ended, by outcome",
        kind: Kind::Exit,
        source: Source::Counts,
        labels: &["outcome"],
        values,
        zeros: &[["success", "", "", ""], ["failure", "", "", ""], ["signal", "", "", ""]],
        whole: true,
    }],
};

fn values(detail: u32) -> Option<Values> {
    Some([Outcome::from_detail(detail).map_or("other", Outcome::name), "", "", ""])
}
