//! The columns of the table: what of a container's counts each of them adds up.

use doubleslit_common::kind::Kind;
use serde::Serialize;

use crate::{
    counts::snapshot::Subject,
    export::Settings,
    probes::{Family, Values},
};

/// A column.
#[derive(Debug)]
struct Column {
    name: &'static str,
    title: &'static str,
    help: &'static str,
    /// The families whose rows it adds up; it is there if one of them is counted.
    families: &'static [&'static str],
    /// Which of their rows.
    takes: fn(&Values) -> bool,
}

const fn all(_: &Values) -> bool {
    true
}

/// In the order of the table.
static COLUMNS: [Column; 11] = [
    Column {
        name: "exec",
        title: "exec",
        help: "Programs executed",
        families: &["doubleslit_process_execs"],
        takes: all,
    },
    Column {
        name: "fork",
        title: "fork",
        help: "Processes created",
        families: &["doubleslit_process_forks"],
        takes: all,
    },
    Column {
        name: "exit",
        title: "exit",
        help: "Processes that ended",
        families: &["doubleslit_process_exits"],
        takes: all,
    },
    Column {
        name: "failed",
        title: "failed",
        help: "Processes that ended with a failure or by a signal",
        families: &["doubleslit_process_exits"],
        takes: |values| values[0] != "success",
    },
    Column {
        name: "signal",
        title: "signals",
        help: "Signals generated for its processes",
        families: &["doubleslit_signals_generated"],
        takes: all,
    },
    Column {
        name: "connect",
        title: "connects",
        help: "TCP connections that it tried to open",
        families: &["doubleslit_tcp_connect_attempts"],
        takes: all,
    },
    Column {
        name: "refused",
        title: "refused",
        help: "TCP connections that never were established",
        families: &["doubleslit_tcp_connect_failures"],
        takes: all,
    },
    Column {
        name: "accept",
        title: "accepts",
        help: "TCP connections that it accepted",
        families: &["doubleslit_tcp_accepts"],
        takes: all,
    },
    Column {
        name: "tcp",
        title: "resets",
        help: "TCP resets sent and received, and segments sent again",
        families: &["doubleslit_tcp_resets_sent", "doubleslit_tcp_resets_received", "doubleslit_tcp_retransmits"],
        takes: all,
    },
    Column {
        name: "oom",
        title: "OOM",
        help: "Processes that the OOM killer chose",
        families: &["doubleslit_process_oom_kills"],
        takes: all,
    },
    Column {
        name: "syscall",
        title: "syscalls",
        help: "System calls that returned",
        families: &["doubleslit_syscalls"],
        takes: all,
    },
];

/// A column as the page is told of it.
#[derive(Debug, Serialize)]
pub(super) struct Head {
    name: &'static str,
    title: &'static str,
    help: &'static str,
}

/// The columns that are counted here.
#[derive(Debug)]
pub(super) struct Columns(Vec<(&'static Column, Vec<&'static Family>)>);

impl Columns {
    pub(super) fn of(settings: &Settings) -> Self {
        let counted = |column: &Column| {
            let families = settings.families.iter().copied();
            families.filter(|family| column.families.contains(&family.name)).collect::<Vec<_>>()
        };
        let columns = COLUMNS.iter().map(|column| (column, counted(column)));
        Self(columns.filter(|(_, families)| !families.is_empty()).collect())
    }

    pub(super) fn heads(&self) -> Vec<Head> {
        let head = |column: &Column| Head { name: column.name, title: column.title, help: column.help };
        self.0.iter().map(|(column, _)| head(column)).collect()
    }

    /// A container's counts: of each column, and before them of all events.
    pub(super) fn counts(&self, subject: &Subject) -> Vec<u64> {
        let of_column = |(column, families): &(&Column, Vec<&'static Family>)| {
            let rows = families.iter().flat_map(|family| {
                let taken = |detail| (family.values)(detail).is_some_and(|values| (column.takes)(&values));
                subject.of(family.kind).filter(move |(detail, _)| taken(*detail)).map(|(_, count)| count)
            });
            rows.sum()
        };
        // What was lost is of another kind, too.
        let is_event = |kind: Kind| !kind.is_of_syscalls() && kind != Kind::EventLost;
        let events = subject.counts.iter().filter(|((kind, _), _)| is_event(*kind)).map(|(_, count)| count).sum();
        [events].into_iter().chain(self.0.iter().map(of_column)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes;

    #[test]
    fn every_family_exists() {
        let names: Vec<_> = probes::families().map(|family| family.name).collect();
        for family in COLUMNS.iter().flat_map(|column| column.families) {
            assert!(names.contains(family), "there is no family `{family}`");
        }
        let settings = Settings { families: probes::families().collect(), ..Settings::default() };
        assert_eq!(Columns::of(&settings).heads().len(), COLUMNS.len());
        assert!(Columns::of(&Settings::default()).heads().is_empty());
    }
}
