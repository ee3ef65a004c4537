//! The exporter as a process: start, memory, idle CPU.

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use aya::sys::Stats;
use doubleslit::probes;
use doubleslit_testbed::{
    cgroup::Cgroup,
    exporter::{Exporter, Setup, free_address},
    http::Connection,
};

use super::{
    Effort,
    loaded::default_probes,
    programs, progress,
    report::{Report, Target},
    statistics::Summary,
};
use crate::build::Tools;

const CONTAINERS: u64 = 1_000;
const STARTS: u64 = 8;
const IDLE: Duration = Duration::from_secs(60);
const SETTLE: Duration = Duration::from_secs(8);
const SCRAPES: usize = 5;
const PATIENCE: Duration = Duration::from_secs(10);

/// Measures it all.
pub(super) fn measure(tools: &Tools, effort: Effort, report: &mut Report) -> Result<()> {
    progress::tell("starting the exporter");
    let starts = (0..STARTS / effort.divisor).map(|_| start_to_scrape(tools)).collect::<Result<Vec<_>>>()?;
    let start = Summary::of(starts);

    let mut exporter = Setup::new(&tools.exporter).start();
    let idle_memory = settled_memory(&mut exporter, effort)?;
    progress::tell("watching the idle exporter");
    let idle = idle_cpu(&exporter, IDLE / u32::try_from(effort.divisor)?)?;

    progress::tell(format_args!("making {CONTAINERS} containers"));
    let containers: Vec<_> = (1..=CONTAINERS).map(|number| container(tools, number)).collect();
    let full_memory = settled_memory(&mut exporter, effort)?;
    let scrape = exporter.scrape();
    let known = scrape.matching("doubleslit_container_info", &[]).count();
    let series = scrape.0.len();
    drop(containers);

    report.section(
        "The exporter as a process",
        "Start: from the start of the process to the end of the first answer that tells of every kind of event. \
         Memory: resident, after some scrapes. Idle CPU: user and system time of the process; the time in the BPF programs, \
         which run on behalf of others, stands beside it.",
    );
    report.table(
        &["", ""],
        &[
            vec!["start to first complete scrape, ms".to_owned(), format!("{start:.0}")],
            vec!["memory when idle, MiB (highest)".to_owned(), idle_memory.text()],
            vec![format!("memory at {CONTAINERS} containers, MiB (highest)"), full_memory.text()],
            vec!["containers known then".to_owned(), known.to_string()],
            vec!["series in an answer then".to_owned(), series.to_string()],
            vec!["idle CPU, % of a core".to_owned(), format!("{:.3}", idle.process)],
            vec!["BPF programs meanwhile, % of a core".to_owned(), format!("{:.4}", idle.programs)],
        ],
    );
    for (what, limit, measured, digits, unit) in [
        ("start to first complete scrape", 300.0, start.median, 0, " ms"),
        ("memory when idle", 25.0, idle_memory.resident, 1, " MiB"),
        ("memory at 1,000 containers", 40.0, full_memory.resident, 1, " MiB"),
        ("idle CPU", 0.2, idle.process, 3, " %"),
    ] {
        report.target(Target { what: what.to_owned(), limit, measured, digits, unit, unresolved: None });
    }
    ensure!(known as u64 >= CONTAINERS, "the exporter knows {known} containers instead of {CONTAINERS}");
    Ok(())
}

/// Milliseconds from the start of the process to the first complete answer.
fn start_to_scrape(tools: &Tools) -> Result<f64> {
    let address = free_address();
    let begin = Instant::now();
    let exporter = Setup::new(&tools.exporter).launch(address);
    while begin.elapsed() < PATIENCE {
        let answer = Connection::open(address).and_then(|mut connection| connection.get("/metrics", &[]));
        let elapsed = begin.elapsed();
        if let Ok(response) = answer.as_ref().map(|response| response.text()) {
            // A family without a row has no line; what is counted of every kind of event is there from the first.
            let has = |family: &probes::Family| response.contains(&format!("{{event=\"{}\"}}", family.kind.name()));
            if default_probes().flat_map(|probe| probe.families).all(has) {
                return Ok(elapsed.as_secs_f64() * 1e3);
            }
        }
        thread::sleep(Duration::from_millis(1));
    }
    bail!("no complete answer in {PATIENCE:?}:\n{}", exporter.log())
}

#[derive(Clone, Copy, Debug)]
struct Memory {
    resident: f64,
    highest: f64,
}

impl Memory {
    fn text(self) -> String {
        format!("{:.1} ({:.1})", self.resident, self.highest)
    }
}

fn settled_memory(exporter: &mut Exporter, effort: Effort) -> Result<Memory> {
    for _ in 0..SCRAPES {
        drop(exporter.scrape());
    }
    thread::sleep(SETTLE / u32::try_from(effort.divisor)?);
    let pid = exporter.pid().to_string();
    Ok(Memory { resident: status_mebibytes(&pid, "VmRSS:")?, highest: status_mebibytes(&pid, "VmHWM:")? })
}

/// A number of a process's status (proc_pid_status(5)) that is in kibibytes, in mebibytes.
pub(super) fn status_mebibytes(pid: &str, name: &str) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let value = status.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB"));
    Ok(value.with_context(|| format!("procfs tells no {name}"))?.parse::<f64>()? / 1024.0)
}

/// Per cent of a core.
#[derive(Clone, Copy, Debug)]
struct Idle {
    process: f64,
    programs: f64,
}

fn idle_cpu(exporter: &Exporter, time: Duration) -> Result<Idle> {
    let pid = exporter.pid().unsigned_abs();
    let _measuring = aya::sys::enable_stats(Stats::RunTime).context("the kernel measures no programs")?;
    let (ticks, run_time) = (cpu_ticks(pid)?, programs::total(pid)?);
    thread::sleep(time);
    let (ticks, run_time) = (cpu_ticks(pid)? - ticks, programs::total(pid)?.since(run_time));
    // USER_HZ is 100 on every architecture that BPF programs are built for.
    let share = |seconds: f64| 100.0 * seconds / time.as_secs_f64();
    Ok(Idle { process: share(ticks as f64 / 100.0), programs: share(run_time.nanoseconds as f64 / 1e9) })
}

/// User and system time (proc_pid_stat(5), fields 14 and 15).
fn cpu_ticks(pid: u32) -> Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, behind_name) = stat.rsplit_once(") ").context("procfs tells no times")?;
    let fields: Vec<_> = behind_name.split(' ').collect();
    let field = |number: usize| fields.get(number - 3).and_then(|text| text.parse::<u64>().ok());
    field(14).zip(field(15)).map(|(user, system)| user + system).context("procfs tells no times")
}

/// A container in which something has happened.
fn container(tools: &Tools, number: u64) -> Cgroup {
    let (cgroup, _) = Cgroup::like_docker(number);
    let load = tools.load.display();
    cgroup.run(Path::new("/bin/sh"), &["-c", &format!("{load} exec 3 >/dev/null && {load} signal 10 3 >/dev/null")]);
    cgroup
}
