//! How much longer storms take.

use std::{fmt, thread, time::Duration};

use anyhow::Result;
use aya::Btf;
use doubleslit::bpf::object::Loaded;
use doubleslit_testbed::exporter::{Exporter, Setup};

use super::{
    Effort,
    bpftrace::Bpftrace,
    hooks::{self, Hook},
    loaded,
    pairs::Pairs,
    raw::Empty,
    report::{Report, Target},
    storm::{self, Storm},
};
use crate::build::Tools;

/// What freeing maps and programs may need after they are detached.
pub(super) const SETTLE: Duration = Duration::from_millis(200);

/// In this time the exporter reads the maps at least once.
const POLL: Duration = Duration::from_millis(1200);

/// A storm, the probe that it is a storm for, and the limit with all probes on.
static CASES: [(Storm, &str, f64); 3] =
    [(Storm::Exec, "exec", 1.02), (Storm::Signal, "signal", 1.12), (Storm::Connect, "socket_state", 1.06)];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Nothing,
    Empty,
    Alone,
    Bpftrace,
    All,
    Exporter,
}

const CONDITIONS: [Condition; 6] =
    [Condition::Nothing, Condition::Empty, Condition::Alone, Condition::Bpftrace, Condition::All, Condition::Exporter];

impl fmt::Display for Condition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Nothing => "nothing (the noise floor)",
            Self::Empty => "empty programs on the hooks of the one probe",
            Self::Alone => "the one probe",
            Self::Bpftrace => "bpftrace on the hooks of the one probe",
            Self::All => "all probes",
            Self::Exporter => "the exporter, running",
        })
    }
}

/// What is attached as long as this lives.
enum Attached {
    Nothing,
    Empty { _empties: Vec<Empty> },
    Ours { loaded: Box<Loaded> },
    Bpftrace { _bpftrace: Bpftrace },
    Exporter { _exporter: Box<Exporter> },
}

/// Measures all storms.
pub(super) fn measure(tools: &Tools, effort: Effort, report: &mut Report) -> Result<()> {
    let Effort { rounds, processes, .. } = effort;
    report.section(
        "Slow-down of storms",
        &format!(
            "The kernel's statistics are off. A storm is pinned to CPU {} and has the highest \
             priority; everything else is free. A measurement is the median \
             of {processes} storm processes; measurements without and with something attached take turns, and each one with is \
             set against the mean of those right before and right after it. Each with begins with one more process, after \
             which the maps are read once. {rounds} rounds in a changing order.",
            storm::cpu()?
        ),
    );
    let btf = Btf::from_sys_fs()?;
    for (storm, probe, limit) in &CASES {
        let measure = || storm.measure(&tools.load, effort);
        let pairs = Pairs::measure(rounds, storm.title(), measure, |condition| {
            let mut attached = attach(CONDITIONS[condition], probe, tools, &btf)?;
            storm.warm_up(&tools.load, effort)?;
            attached.settle()?;
            let with = measure()?;
            drop(attached);
            thread::sleep(SETTLE);
            Ok(with)
        })?;
        tell(&pairs, *storm, probe, *limit, report);
    }
    Ok(())
}

fn attach(condition: Condition, probe: &'static str, tools: &Tools, btf: &Btf) -> Result<Attached> {
    let hooks = hooks::of_probe(probe);
    Ok(match condition {
        Condition::Nothing => Attached::Nothing,
        Condition::Empty => {
            let attach = |hook: &&Hook| Empty::attach(btf, hook.tracepoint()?);
            Attached::Empty { _empties: hooks.iter().map(attach).collect::<Result<_>>()? }
        }
        Condition::Alone => Attached::Ours { loaded: Box::new(loaded::load(vec![probe])?) },
        Condition::All => Attached::Ours { loaded: Box::new(loaded::load_all()?) },
        Condition::Bpftrace => {
            let script: String = hooks.iter().map(|hook| hook.counting_script()).collect();
            Attached::Bpftrace { _bpftrace: Bpftrace::start(&script)? }
        }
        Condition::Exporter => Attached::Exporter { _exporter: Box::new(Setup::new(&tools.exporter).start()) },
    })
}

impl Attached {
    /// Has the maps read once.
    fn settle(&mut self) -> Result<()> {
        match self {
            Self::Ours { loaded } => loaded::settle(loaded)?,
            Self::Exporter { .. } => thread::sleep(POLL),
            Self::Nothing | Self::Empty { .. } | Self::Bpftrace { .. } => {}
        }
        Ok(())
    }
}

fn tell(pairs: &Pairs<{ CONDITIONS.len() }>, storm: Storm, probe: &str, limit: f64, report: &mut Report) {
    let title = storm.title();
    report.paragraph(&format!(
        "### {title}\n\n{:.0} ns for an operation with nothing attached. The one probe is `{probe}`.",
        pairs.without()
    ));
    let row = |condition: Condition| {
        let (ratio, extra, with) =
            (pairs.ratio(condition as usize), pairs.extra(condition as usize), pairs.with(condition as usize));
        vec![condition.to_string(), format!("{ratio:.3}"), format!("{extra:.0}"), format!("{with:.0}")]
    };
    report.table(&["attached", "slow-down", "extra, ns", "ns per operation"], &CONDITIONS.map(row));
    // What is measured of nothing must be small against what is allowed.
    let floor = (pairs.ratio(Condition::Nothing as usize).median - 1.0).abs();
    let noisy = (floor > (limit - 1.0) / 2.0).then_some("not told: the noise floor is too high");
    for condition in [Condition::All, Condition::Exporter] {
        report.target(Target {
            what: format!("slow-down of {title}: {condition}"),
            limit,
            measured: pairs.ratio(condition as usize).median,
            digits: 3,
            unit: "",
            unresolved: noisy,
        });
    }
    let (noise, bpftrace) =
        (pairs.extra(Condition::Nothing as usize), pairs.extra(Condition::Bpftrace as usize).median);
    report.target(Target {
        what: format!("extra of {title}: `{probe}` alone / bpftrace"),
        limit: 0.6,
        measured: pairs.extra(Condition::Alone as usize).median / bpftrace,
        digits: 2,
        unit: "",
        unresolved: (bpftrace <= noise.low.abs().max(noise.high.abs()))
            .then_some("not told: what bpftrace adds is within the noise"),
    });
}
