//! Single events: what one costs where it happens, and on its way to whoever listens.

use std::{
    collections::BTreeMap,
    io,
    path::Path,
    pin::Pin,
    process::Command,
    sync::Arc,
    thread,
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context as _, Result, ensure};
use aya::{Btf, sys::Stats};
use doubleslit::{
    bpf::{events::EventRing, object::Loaded},
    config::{self, Flags},
    events::{
        hub::{Hub, Subscription},
        reader::{Reader, Wanted},
        redact::Redaction,
    },
    filter::kernel::KernelFilter,
    identity::{directory::Directory, hierarchy, registry::Registry},
    lives,
    machine::Machine,
    others::Own,
    probes::{PROBES, Program},
    tracepoints::table::Table,
};
use doubleslit_common::kind::Kind;
use rustix::time::{ClockId, clock_gettime};
use tokio::{
    runtime::{Builder, Handle, Runtime},
    sync::oneshot,
};

use super::{
    Effort, cost, loaded, progress,
    raw::Empty,
    report::{Report, Target},
    statistics::Summary,
    storm::Storm,
};
use crate::build::Tools;

const METHOD: &str = "Cost: nanoseconds in the program that sends an event, from the kernel's statistics of programs, less those of \
    an empty program on the same hook in the same round. To a listener: time of one thread, for which it runs, \
    while it reads what is in the ring, understands the records, says whose they are, and hands them to a listener on the same \
    thread, which looks at each.";

/// Bytes of a ring that has room for a storm.
const LARGE_RING: u32 = 128 << 20;
/// Bytes of the ring by default.
const RING: u32 = 8 << 20;
/// Executions whose delay is measured, and the time between two: none that the reader's clock is a multiple of.
const EXECUTIONS: u64 = 200;
const PAUSE: Duration = Duration::from_millis(13);

/// What one program's events need, round by round, in nanoseconds.
#[derive(Debug, Default)]
struct Times {
    empty: Vec<f64>,
    gross: Vec<f64>,
    listener: Vec<f64>,
}

/// Measures all programs that send events, and the delay.
pub(super) fn measure(tools: &Tools, effort: Effort, report: &mut Report) -> Result<()> {
    let _measuring = aya::sys::enable_stats(Stats::RunTime).context("the kernel measures no programs")?;
    let btf = Btf::from_sys_fs()?;
    let programs = PROBES.iter().flat_map(|probe| probe.events);
    let programs: Vec<_> = programs.filter_map(|program| Some((program, storm(program)?))).collect();
    let mut times: Vec<_> = programs.iter().map(|_| Times::default()).collect();
    for round in 0..effort.rounds {
        progress::tell(format_args!("single events: round {} of {}", round + 1, effort.rounds));
        for ((program, storm), times) in programs.iter().zip(&mut times) {
            storm.warm_up(&tools.load, effort)?;
            times.empty.push(empty(program, *storm, &btf, tools, effort)?);
            let (gross, listener) = sent(program, *storm, tools, effort)?;
            times.gross.push(gross);
            times.listener.push(listener);
        }
    }
    tell(&programs, &times, report);
    delay(effort, report)
}

/// The storm that reaches a program.
fn storm(program: &Program) -> Option<Storm> {
    match program.kinds.first()? {
        Kind::Exec | Kind::Exit => Some(Storm::Exec),
        Kind::SignalGenerate | Kind::SignalDeliver => Some(Storm::Signal),
        Kind::SocketState => Some(Storm::Connect),
        Kind::TcpResetSend | Kind::TcpResetReceive => Some(Storm::Refused),
        _ => None,
    }
}

/// Nanoseconds of an empty program.
fn empty(program: &Program, storm: Storm, btf: &Btf, tools: &Tools, effort: Effort) -> Result<f64> {
    let empty = Empty::attach(btf, program.tracepoint)?;
    let before = empty.run_time()?;
    storm.blow(&tools.load, effort)?;
    Ok(empty.run_time()?.since(before).each())
}

/// Nanoseconds of the program, and of the way to a listener.
fn sent(program: &Program, storm: Storm, tools: &Tools, effort: Effort) -> Result<(f64, f64)> {
    let (each, ring) = fill(program.kinds, program.name, KernelFilter::default(), storm, tools, effort)?;
    Ok((each, listen_to_all(ring)?))
}

/// Nanoseconds of a program that sends those events of a storm that pass a filter, and the ring that it filled. The kernel
/// measures programs meanwhile.
pub(super) fn fill(
    kinds: &[Kind],
    program: &str,
    filter: KernelFilter,
    storm: Storm,
    tools: &Tools,
    effort: Effort,
) -> Result<(f64, EventRing)> {
    let mut loaded = loaded::load_events(kinds, filter, LARGE_RING)?;
    storm.blow(&tools.load, effort)?;
    let spent = cost::of_program(&loaded, program)?;
    ensure!(spent.runs > 0, "`{program}` never ran");
    // The rest is detached, so that nothing comes while the ring is read.
    Ok((spent.each(), loaded.events.take().context("there is no ring")?))
}

/// Nanoseconds for an event of a full ring, on one thread.
fn listen_to_all(ring: EventRing) -> Result<f64> {
    let (events, spent) = read_all(ring, async |reading, mut subscription| {
        let mut events = 0;
        let listening = async {
            while let Some((batch, missed)) = subscription.next().await {
                events += batch.events.iter().map(std::hint::black_box).count() as u64 + missed;
            }
        };
        tokio::join!(reading, listening).0?;
        Ok(events)
    })?;
    ensure!(events > 0, "there is nothing in the ring");
    Ok(spent / events as f64)
}

/// Reading a ring to its end.
pub(super) type Reading = Pin<Box<dyn Future<Output = io::Result<()>>>>;

/// Has all of a ring read on one thread, together with who listens. Returns what that one says, and the nanoseconds for which
/// the thread ran.
pub(super) fn read_all<T>(
    ring: EventRing,
    act: impl AsyncFnOnce(Reading, Subscription) -> Result<T>,
) -> Result<(T, f64)> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let (reader, subscription) = reader(ring, runtime.handle())?;
    let (stop, stopped) = oneshot::channel();
    // It reads what is left.
    drop(stop);
    let begun = cpu_time();
    let said = runtime.block_on(act(Box::pin(reader.run(stopped)), subscription))?;
    Ok((said, cpu_time() - begun))
}

/// The reader of a ring, and its only listener.
fn reader(ring: EventRing, runtime: &Handle) -> Result<(Reader<EventRing>, Subscription)> {
    let hub = Arc::<Hub>::default();
    let subscription = hub.subscribe("bench");
    let (_, changes) = lives::channel(BTreeMap::new(), SystemTime::now(), Box::new(Own::at(Path::new("/"))));
    let reader = Reader {
        source: ring,
        changes,
        registry: registry(runtime)?,
        hub,
        received: Arc::default(),
        tracepoints: Table::default(),
        signatures: Arc::default(),
        redaction: Redaction::default(),
        wanted: Wanted::default(),
    };
    Ok((reader, subscription))
}

/// Nanoseconds for which this thread has run: others take turns with it.
fn cpu_time() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// The cgroups that are there.
fn registry(runtime: &Handle) -> Result<Arc<Registry>> {
    let config = config::load(None, [], &Flags::default())?;
    let machine = Machine::find(&config.identity, runtime)?;
    let mut directory = Directory::new(machine.resolver);
    directory.reconcile(&hierarchy::walk(&machine.hierarchy)?.found, Instant::now());
    directory.settle(Instant::now() + Duration::from_secs(3600));
    Ok(directory.registry())
}

fn tell(programs: &[(&Program, Storm)], times: &[Times], report: &mut Report) {
    report.section("Single events", METHOD);
    let mut rows = Vec::new();
    for ((program, _), Times { empty, gross, listener }) in programs.iter().zip(times) {
        let net = Summary::of(gross.iter().zip(empty).map(|(gross, empty)| gross - empty));
        let listener = Summary::of(listener.iter().copied());
        let [empty, gross] = [empty, gross].map(|times| Summary::of(times.iter().copied()));
        rows.push(vec![
            program.name.to_owned(),
            format!("{net:.0}"),
            format!("{empty:.0}"),
            format!("{gross:.0}"),
            format!("{listener:.0}"),
            format!("{:.0}", 1e9 / listener.median),
        ]);
        report.target(Target {
            what: format!("from the ring to a listener: `{}` (300,000 a second)", program.name),
            limit: 3_333.0,
            measured: listener.median,
            digits: 0,
            unit: " ns",
            unresolved: None,
        });
    }
    let head = ["program", "net, ns", "empty", "gross", "to a listener, ns", "events a second"];
    report.table(&head, &rows);
}

/// How long after an execution a listener hears of it.
fn delay(effort: Effort, report: &mut Report) -> Result<()> {
    progress::tell("delay of single events");
    let mut loaded = loaded::load_events(&[Kind::Exec], KernelFilter::default(), RING)?;
    let ring = loaded.events.take().context("there is no ring")?;
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let delays = delays(&runtime, ring, loaded, EXECUTIONS / effort.divisor)?;
    let (delay, longest) = (Summary::of(delays.iter().copied()), delays.iter().copied().fold(0.0, f64::max));
    report.paragraph(&format!(
        "Delay from an execution to a listener, at default settings: {delay:.0} ms, at most {longest:.0} ms."
    ));
    report.target(Target {
        what: "longest delay from an execution to a listener".to_owned(),
        limit: 250.0,
        measured: longest,
        digits: 0,
        unit: " ms",
        unresolved: None,
    });
    Ok(())
}

/// Milliseconds from executions to a listener.
fn delays(runtime: &Runtime, ring: EventRing, loaded: Loaded, executions: u64) -> Result<Vec<f64>> {
    let (reader, mut subscription) = reader(ring, runtime.handle())?;
    let (stop, stopped) = oneshot::channel();
    let reading = runtime.spawn(reader.run(stopped));
    let listening = runtime.spawn(async move {
        let mut delays = Vec::new();
        while let Some((batch, _)) = subscription.next().await {
            let now = SystemTime::now();
            let age = |time| now.duration_since(time).unwrap_or_default().as_secs_f64() * 1e3;
            delays.extend(batch.events.iter().map(|event| age(event.time)));
        }
        delays
    });
    for _ in 0..executions {
        ensure!(Command::new("true").status().context("cannot run true")?.success(), "true is false");
        thread::sleep(PAUSE);
    }
    drop((loaded, stop));
    runtime.block_on(reading)??;
    Ok(runtime.block_on(listening)?)
}
