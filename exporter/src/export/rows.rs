//! Writing families: a header with the first row, and never one without rows.

use std::{fmt, time::SystemTime};

use doubleslit_common::kind::Kind;
use prometheus_client::{
    encoding::{DescriptorEncoder, EncodeLabel, EncodeLabelSet, LabelSetEncoder, MetricEncoder, NoLabelSet},
    metrics::MetricType,
    registry::Unit,
};

use super::{
    created::Created,
    histograms::Histogram,
    otlp::Points,
    own::{Metric, MetricKind},
};

/// A sample's value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Number {
    Whole(u64),
    Real(f64),
}

impl Number {
    /// What was counted of a kind: seconds, where it counts nanoseconds.
    pub(super) fn of(kind: Kind, count: u64) -> Self {
        if kind.is_time() { Self::Real(count as f64 / 1e9) } else { Self::Whole(count) }
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Self::Whole(value)
    }
}

impl From<usize> for Number {
    fn from(value: usize) -> Self {
        Self::Whole(value as u64)
    }
}

impl From<bool> for Number {
    fn from(value: bool) -> Self {
        Self::Whole(value.into())
    }
}

impl From<f64> for Number {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

/// Since when a counter counts.
#[derive(Clone, Copy, Debug)]
pub(super) enum Since {
    /// Nobody knows.
    Unknown,
    /// The exporter's start.
    Start,
    /// This time.
    Time(SystemTime),
}

/// One exposition that is being written.
#[derive(Debug)]
pub(super) struct Out<'a> {
    target: Target<'a>,
    series: usize,
}

#[derive(Debug)]
enum Target<'a> {
    Text { encoder: DescriptorEncoder<'a>, created: Option<Created> },
    Points(&'a mut Points),
}

impl<'a> Out<'a> {
    /// Text. `created` takes since when counters count, where that is told.
    pub(super) fn new(encoder: DescriptorEncoder<'a>, created: Option<Created>) -> Self {
        Self { target: Target::Text { encoder, created }, series: 0 }
    }

    /// Data points.
    pub(super) fn points(points: &'a mut Points) -> Self {
        Self { target: Target::Points(points), series: 0 }
    }

    /// How many series were written.
    pub(super) fn series(&self) -> usize {
        self.series
    }

    /// Begins a family with these labels.
    pub(super) fn family<'s>(
        &'s mut self,
        name: &'s str,
        help: &'s str,
        kind: MetricKind,
        labels: &'s [&'s str],
    ) -> Rows<'s, 'a> {
        let Self { target, series } = self;
        let (state, created) = match target {
            Target::Text { encoder, created } => (State::Waiting { encoder, name, help }, created.as_ref()),
            Target::Points(points) => {
                points.begin(name, help, kind);
                (State::Points(points), None)
            }
        };
        Rows { state, kind, labels, created, since: Since::Unknown, series }
    }

    /// Begins one of the exporter's own families.
    pub(super) fn own<'s>(&'s mut self, metric: &'static Metric) -> Rows<'s, 'a> {
        let rows = self.family(metric.name, metric.help, metric.kind, metric.labels);
        Rows { since: Since::Start, ..rows }
    }

    /// Writes one of the exporter's own families that has a single series.
    pub(super) fn single(&mut self, metric: &'static Metric, value: impl Into<Number>) -> fmt::Result {
        self.own(metric).row(&[], value)
    }
}

/// The rows of one family.
pub(super) struct Rows<'s, 'a> {
    state: State<'s, 'a>,
    kind: MetricKind,
    labels: &'s [&'s str],
    created: Option<&'s Created>,
    since: Since,
    series: &'s mut usize,
}

enum State<'s, 'a> {
    Waiting { encoder: &'s mut DescriptorEncoder<'a>, name: &'s str, help: &'s str },
    Begun(MetricEncoder<'s>),
    Points(&'s mut Points),
    Failed,
}

impl Rows<'_, '_> {
    /// Writes a row: the values of the labels in their order, and the number.
    pub(super) fn row(&mut self, values: &[&str], number: impl Into<Number>) -> fmt::Result {
        self.write(values, number.into(), self.since)
    }

    /// The same for a counter of which it is known since when it counts.
    pub(super) fn row_since(&mut self, values: &[&str], count: impl Into<Number>, since: SystemTime) -> fmt::Result {
        self.announce(since)?;
        self.write(values, count.into(), Since::Time(since))
    }

    /// The same for a histogram.
    pub(super) fn histogram(&mut self, values: &[&str], histogram: &Histogram, since: SystemTime) -> fmt::Result {
        debug_assert_eq!(self.labels.len(), values.len(), "one value for each label");
        self.announce(since)?;
        self.begin()?;
        let buckets = histogram.buckets();
        *self.series += buckets.len() + 2;
        match &mut self.state {
            State::Points(points) => {
                points.add_histogram(self.labels, values, histogram, Since::Time(since));
                Ok(())
            }
            State::Begun(metric) => {
                let labels = Labels { names: self.labels, values };
                let mut metric = metric.encode_family(&labels)?;
                metric.encode_histogram::<NoLabelSet>(histogram.sum(), histogram.count(), &buckets, None)
            }
            State::Waiting { .. } | State::Failed => Err(fmt::Error),
        }
    }

    /// Tells since when the row counts that comes next, where that is told.
    fn announce(&mut self, since: SystemTime) -> fmt::Result {
        if let Some(created) = self.created {
            // The header of the family must not be taken for the row.
            self.begin()?;
            created.set(since);
            *self.series += 1;
        }
        Ok(())
    }

    fn write(&mut self, values: &[&str], number: Number, since: Since) -> fmt::Result {
        debug_assert_eq!(self.labels.len(), values.len(), "one value for each label");
        self.begin()?;
        *self.series += 1;
        match &mut self.state {
            State::Points(points) => {
                points.add(self.labels, values, number, since);
                Ok(())
            }
            State::Begun(metric) if self.labels.is_empty() => write(metric, self.kind, number),
            State::Begun(metric) => {
                let labels = Labels { names: self.labels, values };
                write(&mut metric.encode_family(&labels)?, self.kind, number)
            }
            State::Waiting { .. } | State::Failed => Err(fmt::Error),
        }
    }

    fn begin(&mut self) -> fmt::Result {
        if matches!(self.state, State::Begun(_) | State::Points(_)) {
            return Ok(());
        }
        let State::Waiting { encoder, name, help } = std::mem::replace(&mut self.state, State::Failed) else {
            return Err(fmt::Error);
        };
        let help = format!("{}.", help.trim_end_matches('.'));
        let kind = match self.kind {
            MetricKind::Counter => MetricType::Counter,
            MetricKind::Gauge => MetricType::Gauge,
            MetricKind::Histogram => MetricType::Histogram,
        };
        // The encoder writes the unit behind the name.
        let (name, unit) = unit(name).map_or((name, None), |(base, unit)| (base, Some(unit)));
        self.state = State::Begun(encoder.encode_descriptor(name, &help, unit, kind)?);
        Ok(())
    }
}

/// A metric's name before its unit, and the unit, if it has one.
pub(super) fn unit(name: &str) -> Option<(&str, &'static Unit)> {
    static UNITS: [Unit; 2] = [Unit::Seconds, Unit::Bytes];
    UNITS.iter().find_map(|unit| {
        let base = name.strip_suffix(unit.as_str())?.strip_suffix('_')?;
        Some((base, unit))
    })
}

fn write(metric: &mut MetricEncoder<'_>, kind: MetricKind, number: Number) -> fmt::Result {
    match (kind, number) {
        (MetricKind::Counter, Number::Whole(value)) => metric.encode_counter::<NoLabelSet, _, u64>(&value, None),
        (MetricKind::Counter, Number::Real(value)) => metric.encode_counter::<NoLabelSet, _, u64>(&value, None),
        (MetricKind::Gauge, Number::Whole(value)) => metric.encode_gauge(&value),
        (MetricKind::Gauge, Number::Real(value)) => metric.encode_gauge(&value),
        // It is no number.
        (MetricKind::Histogram, _) => Err(fmt::Error),
    }
}

struct Labels<'a> {
    names: &'a [&'a str],
    values: &'a [&'a str],
}

impl EncodeLabelSet for Labels<'_> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        for (name, value) in self.names.iter().zip(self.values) {
            (*name, *value).encode(encoder.encode_label())?;
        }
        Ok(())
    }
}
