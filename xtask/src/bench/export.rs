//! Single events on their way to an OpenTelemetry collector.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use aya::sys::Stats;
use doubleslit::{
    bpf::events::EventRing,
    config::{self, Config, Flags},
    export::otlp::{Describer, LogExport, Recorder},
    filter::kernel::KernelFilter,
};
use doubleslit_common::kind::Kind;
use doubleslit_testbed::collector::Collector;

use super::{
    Effort,
    events::{fill, read_all},
    progress,
    report::{Report, Target},
    statistics::Summary,
    storm::Storm,
};
use crate::build::Tools;

const METHOD: &str = "Time of one thread, for which it runs, while it reads a full ring of executions, understands and names them, \
    makes records and requests of them, and sends these over loopback to a real collector in another process, at default \
    settings but for the size of the queue. All of them are acknowledged.";

/// Room for all that is in the ring.
const QUEUE: &str = "1073741824";
/// How long the collector may take for the rest.
const PATIENCE: Duration = Duration::from_secs(60);

/// Measures each protocol.
pub(super) fn measure(tools: &Tools, effort: Effort, report: &mut Report) -> Result<()> {
    let _measuring = aya::sys::enable_stats(Stats::RunTime).context("the kernel measures no programs")?;
    report.section("Single events to a collector", METHOD);
    let collector = Collector::start();
    let ways = [("grpc", collector.grpc()), ("http/protobuf", collector.http())];
    let configs = ways.map(|(protocol, address)| {
        let variables =
            [("ENDPOINT", &*format!("http://{address}")), ("PROTOCOL", protocol), ("LOGS__QUEUE_BYTES", QUEUE)];
        let variables = variables.map(|(key, value)| (format!("DOUBLESLIT_OTLP__{key}"), value.to_owned()));
        config::load(None, variables, &Flags::default())
    });
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..effort.rounds {
        progress::tell(format_args!("single events to a collector: round {} of {}", round + 1, effort.rounds));
        for (config, times) in configs.iter().zip(&mut times) {
            let config = config.as_ref().map_err(|error| anyhow::anyhow!("{error}"))?;
            let (_, ring) = fill(&[Kind::Exec], "exec_event", KernelFilter::default(), Storm::Exec, tools, effort)?;
            times.push(send_all(ring, config)?);
        }
    }
    let mut rows = Vec::new();
    for ((protocol, _), times) in ways.iter().zip(times) {
        let each = Summary::of(times);
        rows.push(vec![(*protocol).to_owned(), format!("{each:.0}"), format!("{:.0}", 1e9 / each.median)]);
        report.target(Target {
            what: format!("from the ring to a collector: `{protocol}` (100,000 a second)"),
            limit: 10_000.0,
            measured: each.median,
            digits: 0,
            unit: " ns",
            unresolved: None,
        });
    }
    report.table(&["protocol", "an event, ns", "events a second"], &rows);
    Ok(())
}

/// Nanoseconds for an event of a full ring, on one thread.
fn send_all(ring: EventRing, config: &Config) -> Result<f64> {
    let settings = config.otlp.logs.as_ref().context("there is no endpoint")?;
    let recorder = Recorder::new(config, Describer::new(&config.identity.host_root, &config.otlp.resource));
    let (totals, spent) = read_all(ring, async |reading, subscription| {
        let export = LogExport::start(settings, recorder, subscription)?;
        let totals = export.totals();
        reading.await?;
        export.finish(PATIENCE).await;
        Ok(totals())
    })?;
    ensure!(totals.exported > 0 && totals.exported == totals.accepted, "not all events arrived: {totals:?}");
    Ok(spent / totals.exported as f64)
}
