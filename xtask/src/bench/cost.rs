//! The cost of one counted event, as the kernel measures programs.

use anyhow::{Context as _, Result};
use aya::{Btf, sys::Stats};
use doubleslit::bpf::object::Loaded;

use super::{
    Effort,
    bpftrace::Bpftrace,
    hooks::{HOOKS, Hook},
    loaded, programs,
    programs::RunTime,
    progress,
    raw::Empty,
    report::{Report, Target},
    statistics::Summary,
    storm::Storm,
};
use crate::build::Tools;

const METHOD: &str = "Nanoseconds in a program for one event, from the kernel's statistics of programs (`BPF_ENABLE_STATS`). \
    These include reading the clock twice, so an empty program (`r0 = 0; exit`) on the same hook is measured in the same round \
    and subtracted: on the BTF tracepoint for doubleslit's programs, an empty bpftrace probe on the classic tracepoint for \
    bpftrace's. Only one of the four is attached at a time, each in its turn in every round, and each first \
    has a storm that is not measured; then the maps are read once. bpftrace counts by cgroup and the \
    event's own fields, one process a hook; it takes the cgroup of whoever runs, doubleslit that of the owner.";

const STORMS: [Storm; 4] = [Storm::Exec, Storm::Signal, Storm::Connect, Storm::Refused];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Empty,
    Ours,
    EmptyBpftrace,
    Bpftrace,
}

const SIDES: [Side; 4] = [Side::Empty, Side::Ours, Side::EmptyBpftrace, Side::Bpftrace];

enum Attached {
    Empty(Vec<Empty>),
    Ours(Box<Loaded>),
    Bpftrace(Vec<Bpftrace>),
}

/// What each side needs for an event, round by round.
#[derive(Debug, Default)]
struct Times([Vec<f64>; SIDES.len()]);

impl Times {
    fn of(&self, side: Side) -> &[f64] {
        &self.0[side as usize]
    }

    fn gross(&self, side: Side) -> Summary {
        Summary::of(self.of(side).iter().copied())
    }

    /// One side less another, round by round.
    fn net(&self, side: Side, empty: Side) -> Summary {
        Summary::of(self.of(side).iter().zip(self.of(empty)).map(|(gross, empty)| gross - empty))
    }
}

/// Measures all hooks.
pub(super) fn measure(tools: &Tools, effort: Effort, report: &mut Report) -> Result<()> {
    let _measuring = aya::sys::enable_stats(Stats::RunTime).context("the kernel measures no programs")?;
    let btf = Btf::from_sys_fs()?;
    let mut times: [Times; HOOKS.len()] = Default::default();
    for round in 0..effort.rounds {
        progress::tell(format_args!("cost of an event: round {} of {}", round + 1, effort.rounds));
        for turn in 0..SIDES.len() {
            let side = SIDES[(round + turn) % SIDES.len()];
            let mut attached = attach(side, &btf)?;
            for storm in STORMS {
                storm.warm_up(&tools.load, effort)?;
                if let Attached::Ours(loaded) = &mut attached {
                    loaded::settle(loaded)?;
                }
                let before = attached.run_times()?;
                storm.blow(&tools.load, effort)?;
                let after = attached.run_times()?;
                for (index, hook) in HOOKS.iter().enumerate().filter(|(_, hook)| hook.storm == storm) {
                    let spent = after[index].since(before[index]);
                    anyhow::ensure!(spent.runs > 0, "`{}` never ran ({side:?})", hook.program);
                    times[index].0[side as usize].push(spent.each());
                }
            }
        }
    }
    tell(&times, report);
    Ok(())
}

fn attach(side: Side, btf: &Btf) -> Result<Attached> {
    let bpftrace = |script: fn(&Hook) -> String| {
        let mut all = HOOKS.iter().map(|hook| Bpftrace::launch(&script(hook))).collect::<Result<Vec<_>>>()?;
        all.iter_mut().try_for_each(|one| one.await_attached(1))?;
        Ok(Attached::Bpftrace(all))
    };
    match side {
        Side::Empty => {
            let attach = |hook: &Hook| Empty::attach(btf, hook.tracepoint()?);
            Ok(Attached::Empty(HOOKS.iter().map(attach).collect::<Result<_>>()?))
        }
        Side::Ours => Ok(Attached::Ours(Box::new(loaded::load_all()?))),
        Side::EmptyBpftrace => bpftrace(Hook::empty_script),
        Side::Bpftrace => bpftrace(Hook::counting_script),
    }
}

impl Attached {
    /// What the kernel has measured so far, in the order of the hooks.
    fn run_times(&self) -> Result<Vec<RunTime>> {
        match self {
            Self::Empty(empties) => Ok(empties.iter().map(Empty::run_time).collect::<Result<_, _>>()?),
            Self::Ours(loaded) => HOOKS.iter().map(|hook| of_program(loaded, hook.program)).collect(),
            Self::Bpftrace(all) => Ok(all.iter().map(|one| programs::total(one.pid())).collect::<Result<_, _>>()?),
        }
    }
}

/// What the kernel measured of one program.
pub(super) fn of_program(loaded: &Loaded, name: &str) -> Result<RunTime> {
    let program = loaded.object.programs.iter().find(|attached| attached.program.name == name);
    let status = program.with_context(|| format!("the program `{name}` is not loaded"))?.status()?;
    Ok(RunTime { runs: status.runs, nanoseconds: status.run_time.as_nanos() as u64 })
}

fn tell(times: &[Times], report: &mut Report) {
    report.section("Cost of a counted event", METHOD);
    let mut rows = Vec::new();
    for (hook, times) in HOOKS.iter().zip(times) {
        let [empty, ours, empty_bpftrace, bpftrace] = SIDES.map(|side| times.gross(side));
        let net = times.net(Side::Ours, Side::Empty);
        let net_bpftrace = times.net(Side::Bpftrace, Side::EmptyBpftrace);
        let ratio = net.median / net_bpftrace.median;
        rows.push(vec![
            hook.program.to_owned(),
            format!("{net:.0}"),
            format!("{net_bpftrace:.0}"),
            format!("{ratio:.2}"),
            format!("{empty:.0}"),
            format!("{ours:.0}"),
            format!("{empty_bpftrace:.0}"),
            format!("{bpftrace:.0}"),
            format!("{:.2}", ours.median / bpftrace.median),
        ]);
        let target = Target { what: String::new(), limit: 0.6, measured: ratio, digits: 2, unit: "", unresolved: None };
        if let Some(limit) = hook.limit {
            let what = format!("cost of an event: `{}` over an empty program", hook.program);
            report.target(Target { what, limit, measured: net.median, digits: 0, unit: " ns", ..target.clone() });
        }
        report.target(Target { what: format!("cost of an event: `{}` / bpftrace", hook.program), ..target });
    }
    report.table(
        &[
            "program",
            "net, ns",
            "bpftrace net, ns",
            "net/net",
            "empty",
            "gross",
            "empty bpftrace",
            "bpftrace gross",
            "gross/gross",
        ],
        &rows,
    );
}
