//! How much longer system calls take while they are counted.

use std::{fmt, process::Command, thread};

use anyhow::{Context as _, Result};
use aya::Btf;
use doubleslit::{bpf::object::Loaded, probes::syscall::Calls};

use super::{
    Effort,
    bpftrace::Bpftrace,
    build::Tools,
    loaded,
    pairs::Pairs,
    raw::Empty,
    report::{Report, Target},
    slowdown::SETTLE,
    storm::Storm,
};

const METHOD: &str = "`getppid` in a loop, the cheapest call, measured as the storms above: so these ratios are the largest that there are. \
    Not chosen is a call that `syscalls.calls` leaves out. bpftrace counts by cgroup and call. What traces a process is measured with \
    fewer calls.";

/// `getppid`, as bpftrace counts it.
const SCRIPT: &str = "tracepoint:raw_syscalls:sys_exit { @[cgroup, args->id] = count(); } ";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Nothing,
    Empty,
    NotChosen,
    Counted,
    Timed,
    Bpftrace,
}

const CONDITIONS: [Condition; 6] = [
    Condition::Nothing,
    Condition::Empty,
    Condition::NotChosen,
    Condition::Counted,
    Condition::Timed,
    Condition::Bpftrace,
];

impl fmt::Display for Condition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Nothing => "nothing (the noise floor)",
            Self::Empty => "an empty program on the return of calls",
            Self::NotChosen => "the probe, call not chosen",
            Self::Counted => "the probe, call counted",
            Self::Timed => "the probe, call counted and timed",
            Self::Bpftrace => "bpftrace, call counted",
        })
    }
}

/// What is attached as long as this lives.
enum Attached {
    Nothing,
    Empty { _empty: Empty },
    Ours { loaded: Box<Loaded> },
    Bpftrace { _bpftrace: Bpftrace },
}

/// Programs that trace another one: what they are called, and the words before its own.
const TRACERS: [(&str, &[&str]); 2] = [
    ("`strace -c`", &["strace", "-c", "-o", "/dev/null"]),
    ("`perf trace -s`", &["perf", "trace", "-s", "-o", "/dev/null"]),
];

/// How many times fewer calls are traced.
const TRACED: u64 = 50;

/// Measures everything.
pub(super) fn measure(tools: &Tools, effort: Effort, report: &mut Report) -> Result<()> {
    let btf = Btf::from_sys_fs()?;
    let storm = Storm::Call;
    let measure = || storm.measure(&tools.load, effort);
    let pairs = Pairs::<{ CONDITIONS.len() }>::measure(effort.rounds, storm.title(), measure, |condition| {
        let mut attached = attach(CONDITIONS[condition], &btf)?;
        storm.warm_up(&tools.load, effort)?;
        if let Attached::Ours { loaded } = &mut attached {
            loaded::settle(loaded)?;
        }
        let with = measure()?;
        drop(attached);
        thread::sleep(SETTLE);
        Ok(with)
    })?;
    report.section("Slow-down of a system call", METHOD);
    report.paragraph(&format!("{:.0} ns for a call with nothing attached.", pairs.without()));
    let row = |condition: Condition| {
        let number = condition as usize;
        let (ratio, extra, with) = (pairs.ratio(number), pairs.extra(number), pairs.with(number));
        vec![condition.to_string(), format!("{ratio:.2}"), format!("{extra:.0}"), format!("{with:.0}")]
    };
    let mut rows = CONDITIONS.map(row).to_vec();
    for (name, words) in TRACERS {
        if is_installed(words[0]) {
            let effort = Effort { divisor: effort.divisor * TRACED, ..effort };
            let with = storm.measure_below(words, &tools.load, effort).with_context(|| format!("cannot run {name}"))?;
            let without = pairs.without().median;
            let ratio = with / without;
            rows.push(vec![
                name.to_owned(),
                format!("{ratio:.1}"),
                format!("{:.0}", with - without),
                format!("{with:.0}"),
            ]);
        }
    }
    report.table(&["attached", "slow-down", "extra, ns", "ns per call"], &rows);
    for (condition, limit) in [(Condition::NotChosen, 1.45), (Condition::Counted, 1.6)] {
        report.target(Target {
            what: format!("slow-down of {}: {condition}", storm.title()),
            limit,
            measured: pairs.ratio(condition as usize).median,
            digits: 2,
            unit: "",
            unresolved: None,
        });
    }
    Ok(())
}

fn attach(condition: Condition, btf: &Btf) -> Result<Attached> {
    let ours = |calls, times| Ok(Attached::Ours { loaded: Box::new(loaded::load_calls(calls, times)?) });
    match condition {
        Condition::Nothing => Ok(Attached::Nothing),
        Condition::Empty => Ok(Attached::Empty { _empty: Empty::attach(btf, "sys_exit")? }),
        Condition::NotChosen => {
            let mut calls = Calls::default();
            calls.add(|name| name == "openat");
            ours(calls, false)
        }
        Condition::Counted => ours(Calls::all(), false),
        Condition::Timed => ours(Calls::all(), true),
        Condition::Bpftrace => Ok(Attached::Bpftrace { _bpftrace: Bpftrace::start(SCRIPT)? }),
    }
}

fn is_installed(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}
