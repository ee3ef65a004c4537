//! What rules cost: in the kernel, where an event happens, and in the exporter.

use std::{sync::Arc, time::Instant};

use anyhow::{Context as _, Result};
use aya::sys::Stats;
use doubleslit::{
    bpf::events::EventRing,
    events::{event::Event, hub::Batch},
    filter::{Filter, List, WrittenRule, kernel::KernelFilter},
};
use doubleslit_common::kind::Kind;

use super::{
    Effort,
    events::{fill, read_all},
    progress,
    report::{Report, Target},
    statistics::Summary,
    storm::Storm,
};
use crate::build::Tools;

const METHOD: &str = "Ten rules of `drop`, each with one or two conditions, of which none matches, so that all are tested. In the \
    kernel: nanoseconds in the program that sends the event, with rules that the kernel tests, less those without rules in \
    the same round. In the exporter: time for an event to pass rules with patterns and regular expressions, which only the \
    exporter tests.";

/// The kernel tests these.
const IN_KERNEL: [&str; 10] = [
    "uid=4000000001",
    "uid=4000000011..4000000019",
    "uid=4000000020,event=exec,event=signal",
    "uid=4000000030..4000000039",
    "uid=4000000041",
    "uid=4000000050..4000000059",
    "uid=4000000061,container=nobody",
    "uid=4000000070..4000000079,container=nobody-*",
    "uid=4000000081",
    "uid=4000000090..4000000099",
];

/// The exporter tests these.
const IN_EXPORTER: [&str; 10] = [
    "comm=nobody",
    "comm=nobody-*",
    "comm=~^nobody[0-9]+$",
    "parent_comm=nobody",
    "container=nobody-*,comm=nobody",
    "image=registry.example/nobody:*",
    "cgroup=/nobody/*",
    "pid=1..2",
    "parent_comm=~nobody",
    "container_label.app=nobody",
];

/// Turns over the events of a ring, so that the clock is read seldom.
const TURNS: usize = 20;

const STORMS: [(Kind, &str, Storm); 2] =
    [(Kind::Exec, "exec_event", Storm::Exec), (Kind::SignalGenerate, "signal_generate_event", Storm::Signal)];

/// Measures both places.
pub(super) fn measure(tools: &Tools, effort: Effort, report: &mut Report) -> Result<()> {
    let _measuring = aya::sys::enable_stats(Stats::RunTime).context("the kernel measures no programs")?;
    let [in_kernel, in_exporter] = [filter(&IN_KERNEL)?, filter(&IN_EXPORTER)?];
    let mut times = STORMS.map(|_| [Vec::new(), Vec::new()]);
    for round in 0..effort.rounds {
        progress::tell(format_args!("rules: round {} of {}", round + 1, effort.rounds));
        for ((kind, program, storm), [kernel, exporter]) in STORMS.into_iter().zip(&mut times) {
            storm.warm_up(&tools.load, effort)?;
            let (without, ring) = fill(&[kind], program, KernelFilter::default(), storm, tools, effort)?;
            let (with, _) = fill(&[kind], program, KernelFilter::of(&in_kernel), storm, tools, effort)?;
            kernel.push(with - without);
            exporter.push(pass(&events(ring)?, &in_exporter));
        }
    }
    report.section("Rules", METHOD);
    let mut rows = Vec::new();
    for ((_, program, _), [kernel, exporter]) in STORMS.iter().zip(times) {
        let (kernel, exporter) = (Summary::of(kernel), Summary::of(exporter));
        rows.push(vec![(*program).to_owned(), format!("{kernel:.0}"), format!("{exporter:.0}")]);
        for (place, summary) in [("in the kernel", kernel), ("in the exporter", exporter)] {
            report.target(Target {
                what: format!("ten rules {place}: `{program}`"),
                limit: 150.0,
                measured: summary.median,
                digits: 0,
                unit: " ns",
                unresolved: None,
            });
        }
    }
    report.table(&["program", "in the kernel, ns", "in the exporter, ns"], &rows);
    Ok(())
}

fn filter(rules: &[&str]) -> Result<Filter> {
    let rules = rules.iter().map(|rule| WrittenRule::parse(rule, "drop")).collect::<Result<_, _>>()?;
    Ok(Filter::default().and(List::default(), List { name: "drop", rules })?)
}

/// The events of a ring.
fn events(ring: EventRing) -> Result<Vec<Arc<Batch>>> {
    let (batches, _) = read_all(ring, async |reading, mut subscription| {
        let mut batches = Vec::new();
        let listening = async {
            while let Some((batch, _)) = subscription.next().await {
                batches.push(batch);
            }
        };
        tokio::join!(reading, listening).0?;
        Ok(batches)
    })?;
    Ok(batches)
}

/// Nanoseconds for an event to pass.
fn pass(batches: &[Arc<Batch>], filter: &Filter) -> f64 {
    let events: Vec<&Event> = batches.iter().flat_map(|batch| &batch.events).collect();
    let begun = Instant::now();
    let mut passed = 0;
    for _ in 0..TURNS {
        passed += events.iter().filter(|event| filter.passes(event)).count();
    }
    assert_eq!(passed, TURNS * events.len(), "no rule matches");
    begun.elapsed().as_nanos() as f64 / passed as f64
}
