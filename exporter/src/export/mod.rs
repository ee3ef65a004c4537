//! Writing a snapshot as text for Prometheus.

mod accept;
mod containers;
mod counts;
mod created;
mod events;
mod histograms;
mod hits;
mod internals;
pub mod otlp;
mod own;
mod process;
mod rows;
mod syscalls;
mod text;

#[cfg(test)]
mod tests;

use std::{
    fmt::{self, Write},
    sync::Arc,
    time::{Duration, Instant},
};

use prometheus_client::{collector::Collector, encoding::DescriptorEncoder, registry::Registry};

pub use accept::Format;
pub use internals::{Internals, Reloaded};
pub use own::{METRICS, Metric, MetricKind};
pub use process::Process;

use crate::{
    config::{Config, ContainerLabel},
    counts::snapshot::Snapshot,
    probes::{Family, Source, tracepoint},
    tracepoints::hits::Hits,
};
use created::Created;
use rows::Out;
use text::Rewriter;

/// Text is handed on in pieces of about this size, so that a scrape needs little memory however many series there are.
const CHUNK_BYTES: usize = 64 << 10;

/// What stays the same from scrape to scrape.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The families of the probes that are up.
    pub families: Vec<&'static Family>,
    /// The labels of containers that their information metric shows.
    pub container_labels: Vec<ContainerLabel>,
    /// The tracepoints whose hits are counted, if there are some.
    pub hits: Option<Arc<Hits>>,
    /// Whether OpenMetrics tells since when counters count.
    pub created: bool,
}

impl Settings {
    /// The settings for a configuration and the families of the probes that are up.
    #[must_use]
    pub fn new(config: &Config, families: impl IntoIterator<Item = &'static Family>) -> Self {
        Self {
            families: families.into_iter().collect(),
            container_labels: config.identity.container_labels.clone(),
            hits: None,
            created: config.metrics.created,
        }
    }

    /// The families that are counted.
    fn counted(&self) -> impl Iterator<Item = &'static Family> {
        self.families.iter().copied().chain(self.hits.as_ref().map(|_| &tracepoint::FAMILY))
    }
}

/// Tells how long a scrape has taken so far.
#[derive(Clone)]
pub struct Stopwatch(Arc<dyn Fn() -> Duration + Send + Sync>);

impl Stopwatch {
    /// A stopwatch that a function reads.
    #[must_use]
    pub fn new(read: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }
}

impl fmt::Debug for Stopwatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Stopwatch").field(&(self.0)()).finish()
    }
}

/// Everything that one scrape shows.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// What stays the same.
    pub settings: Arc<Settings>,
    /// The counts.
    pub snapshot: Arc<Snapshot>,
    /// The BPF side.
    pub internals: Arc<Internals>,
    /// This process.
    pub process: Option<Process>,
    /// How long the scrape has taken so far.
    pub stopwatch: Stopwatch,
}

impl Inputs {
    /// What a scrape shows that began at a time. Reads this process's files.
    #[must_use]
    pub fn read(settings: Arc<Settings>, snapshot: Arc<Snapshot>, internals: Arc<Internals>, begun: Instant) -> Self {
        let stopwatch = Stopwatch::new(move || begun.elapsed());
        Self { settings, snapshot, internals, process: Process::read(), stopwatch }
    }
}

/// Writes everything as one text.
///
/// # Panics
///
/// Never: writing to a text cannot fail.
#[must_use]
pub fn encode(inputs: &Inputs, format: Format) -> String {
    let mut whole = String::new();
    let written = encode_in_chunks(inputs, format, &mut |chunk| {
        whole.push_str(chunk);
        Ok(())
    });
    debug_assert!(written.is_ok(), "writing to a text cannot fail");
    whole
}

/// Writes everything in pieces of whole lines, each of them handed to `sink` as soon as it is there.
///
/// # Errors
///
/// When `sink` fails; nothing is handed to it after that.
pub fn encode_in_chunks(inputs: &Inputs, format: Format, sink: &mut dyn FnMut(&str) -> fmt::Result) -> fmt::Result {
    let created = (inputs.settings.created && format == Format::OpenMetrics).then(Created::default);
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Exposition { inputs: inputs.clone(), created: created.clone() }));
    let mut chunks = Chunks {
        // Room for one more line than makes a piece complete.
        text: String::with_capacity(CHUNK_BYTES + 4096),
        rewritten: String::new(),
        rewriter: (format == Format::Text).then(Rewriter::default),
        created,
        sink,
    };
    prometheus_client::encoding::text::encode(&mut chunks, &registry)?;
    chunks.hand_on()
}

struct Chunks<'a> {
    text: String,
    rewritten: String,
    rewriter: Option<Rewriter>,
    created: Option<Created>,
    sink: &'a mut dyn FnMut(&str) -> fmt::Result,
}

impl Chunks<'_> {
    /// Hands on the lines that are complete.
    fn hand_on(&mut self) -> fmt::Result {
        let Self { text, rewritten, rewriter, created: _, sink } = self;
        let complete = text.rfind('\n').map_or(0, |last| last + 1);
        match rewriter {
            None => sink(&text[..complete])?,
            Some(rewriter) => {
                rewritten.clear();
                rewriter.rewrite(&text[..complete], rewritten);
                sink(rewritten)?;
            }
        }
        text.drain(..complete);
        Ok(())
    }
}

impl Write for Chunks<'_> {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        self.text.push_str(part);
        if let Some(created) = self.created.as_ref().filter(|_| part.ends_with('\n')) {
            created.complete(&mut self.text);
        }
        if self.text.len() >= CHUNK_BYTES && part.ends_with('\n') { self.hand_on() } else { Ok(()) }
    }
}

/// What is written in one format.
#[derive(Debug)]
struct Exposition {
    inputs: Inputs,
    created: Option<Created>,
}

impl Collector for Exposition {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        write(&self.inputs, &mut Out::new(encoder, self.created.clone()))
    }
}

/// Writes everything, in whatever form.
fn write(inputs: &Inputs, out: &mut Out<'_>) -> fmt::Result {
    let Inputs { settings, snapshot, internals, process, stopwatch } = inputs;
    let names = snapshot.labels.names().collect::<Vec<_>>();
    for family in &settings.families {
        match family.source {
            Source::Counts if family.kind.is_histogram() => {
                histograms::write(out, family, &names, &snapshot.subjects)?;
            }
            Source::Counts | Source::Edges => counts::subjects(out, family, &names, &snapshot.subjects)?,
            Source::Lifecycle => counts::lifecycles(out, family, snapshot)?,
        }
    }
    if let Some(hits) = &settings.hits {
        hits::write(out, hits, &names, &snapshot.subjects)?;
    }
    syscalls::write(out, settings, &snapshot.subjects)?;
    internals::totals(out, settings, snapshot)?;
    internals.events.iter().try_for_each(|account| events::write(out, account))?;
    containers::write(out, settings, snapshot)?;
    internals::write(out, internals, snapshot)?;
    out.own(&own::BUILD_INFO).row(&[env!("CARGO_PKG_VERSION"), std::env::consts::ARCH], true)?;
    if let Some(process) = process {
        process::write(out, process)?;
    }
    // This one and the one behind it count too.
    let series = out.series() + 2;
    out.single(&own::SCRAPE_SERIES, series)?;
    out.single(&own::SCRAPE_DURATION, (stopwatch.0)().as_secs_f64())
}
