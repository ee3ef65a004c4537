//! Tracepoints that the configuration names. They are no probe: nothing is attached until some are named.

use doubleslit_common::kind::Kind;

use super::{Family, PROCESS_FIELDS, Program, Source};

/// The program that is attached to all of them, and counts.
pub static PROGRAM: Program = Program {
    name: "tracepoint_hit",
    tracepoint: "",
    fields: &[],
    arguments: &[],
    kinds: &[Kind::Tracepoint],
    each_run_counts: true,
    describes: &[],
};

/// The program that sends single events. It is attached to those whose hits somebody listens to.
pub static EVENT_PROGRAM: Program = Program {
    name: "tracepoint_event",
    tracepoint: "",
    fields: &[],
    arguments: &[],
    kinds: &[Kind::Tracepoint],
    each_run_counts: false,
    describes: &[PROCESS_FIELDS],
};

/// Their hits. Whoever names them says by which further labels they are told apart.
pub static FAMILY: Family = Family {
    name: "doubleslit_tracepoint_hits",
    help: "Hits of tracepoints that the configuration names, by the container whose task was running",
    kind: Kind::Tracepoint,
    source: Source::Counts,
    labels: &["tracepoint"],
    values: |_| None,
    zeros: &[],
    whole: true,
};
