//! How much longer system calls take while they are counted.

use std::{fmt, fs, process::Command, thread};

use anyhow::{Context as _, Result};
use aya::Btf;
use doubleslit::{bpf::object::Loaded, identity::CgroupId, probes::syscall::Calls};
use doubleslit_testbed::cgroup::Cgroup;

use super::{
    Effort,
    bpftrace::Bpftrace,
    loaded,
    pairs::Pairs,
    raw::Empty,
    report::{Report, Target},
    slowdown::SETTLE,
    storm::Storm,
    traced::Trace,
};
use crate::build::Tools;

const METHOD: &str = "`getppid` in a loop, the cheapest call, measured as the storms above: so these ratios are the largest that there are. \
    Not chosen is a call that `syscalls.calls` leaves out, and left out is a container that `syscalls.select` does not choose. A \
    trace is of one call of one cgroup, and sends it with its arguments. bpftrace counts by cgroup and call. What traces a process is measured with \
    fewer calls.";

/// `getppid`, as bpftrace counts it.
const SCRIPT: &str = "tracepoint:raw_syscalls:sys_exit { @[cgroup, args->id] = count(); } ";

/// No cgroup has this id.
const NOBODY: CgroupId = CgroupId(u64::MAX);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Nothing,
    Empty,
    BothEmpty,
    NotChosen,
    LeftOut,
    Counted,
    Timed,
    Histogram,
    OtherReturns,
    ReturnsElsewhere,
    OtherTraced,
    TracedElsewhere,
    Traced,
    Bpftrace,
}

const CONDITIONS: [Condition; 14] = [
    Condition::Nothing,
    Condition::Empty,
    Condition::BothEmpty,
    Condition::NotChosen,
    Condition::LeftOut,
    Condition::Counted,
    Condition::Timed,
    Condition::Histogram,
    Condition::OtherReturns,
    Condition::ReturnsElsewhere,
    Condition::OtherTraced,
    Condition::TracedElsewhere,
    Condition::Traced,
    Condition::Bpftrace,
];

impl fmt::Display for Condition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Nothing => "nothing (the noise floor)",
            Self::Empty => "an empty program on the return of calls",
            Self::BothEmpty => "an empty program on their beginning, too",
            Self::NotChosen => "the probe, call not chosen",
            Self::LeftOut => "the probe, container left out",
            Self::Counted => "the probe, call counted",
            Self::Timed => "the probe, call counted and timed",
            Self::Histogram => "the probe, call counted and timed, with a histogram",
            Self::OtherReturns => "a trace of another call, without durations",
            Self::ReturnsElsewhere => "a trace of this call of another container, without durations",
            Self::OtherTraced => "a trace of another call",
            Self::TracedElsewhere => "a trace of this call of another container",
            Self::Traced => "a trace, call sent with its arguments",
            Self::Bpftrace => "bpftrace, call counted",
        })
    }
}

/// What is attached as long as this lives.
enum Attached {
    Nothing,
    Empty { _empty: Empty },
    BothEmpty { _empty: [Empty; 2] },
    Trace { _trace: Box<Trace> },
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
    for (condition, limit) in [(Condition::NotChosen, 1.45), (Condition::Counted, 1.6), (Condition::OtherReturns, 1.45)]
    {
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
        Condition::BothEmpty => {
            Ok(Attached::BothEmpty { _empty: [Empty::attach(btf, "sys_enter")?, Empty::attach(btf, "sys_exit")?] })
        }
        Condition::LeftOut => Ok(Attached::Ours { loaded: Box::new(loaded::load_calls_but_of(own_cgroup()?)?) }),
        Condition::OtherReturns => traced("openat", own_cgroup()?, false),
        Condition::ReturnsElsewhere => traced("getppid", NOBODY, false),
        Condition::OtherTraced => traced("openat", own_cgroup()?, true),
        Condition::TracedElsewhere => traced("getppid", NOBODY, true),
        Condition::Traced => traced("getppid", own_cgroup()?, true),
        Condition::NotChosen => {
            let mut calls = Calls::default();
            calls.add(|name| name == "openat");
            ours(calls, false)
        }
        Condition::Counted => ours(Calls::all(), false),
        Condition::Timed => ours(Calls::all(), true),
        Condition::Histogram => {
            let mut calls = Calls::all();
            calls.add_histograms(&Calls::all());
            ours(calls, true)
        }
        Condition::Bpftrace => Ok(Attached::Bpftrace { _bpftrace: Bpftrace::start(SCRIPT)? }),
    }
}

fn traced(call: &str, cgroup: CgroupId, durations: bool) -> Result<Attached> {
    Ok(Attached::Trace { _trace: Box::new(Trace::begin(call, cgroup, durations)?) })
}

/// The cgroup of this process, in which the storms are too.
fn own_cgroup() -> Result<CgroupId> {
    let cgroups = fs::read_to_string("/proc/self/cgroup").context("cannot read `/proc/self/cgroup`")?;
    let path = cgroups.lines().find_map(|line| line.strip_prefix("0::"));
    Ok(CgroupId(Cgroup::create(path.context("this machine has no cgroup v2 hierarchy")?).id()))
}

fn is_installed(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}
