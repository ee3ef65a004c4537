//! Rows of metrics as data points.

use std::time::SystemTime;

use prometheus_client::registry::Unit;
use prost::{Message as _, bytes::Bytes};

use super::{
    batch::REQUEST_BYTES,
    messages::{
        Attribute, CUMULATIVE, Gauge, Histogram, HistogramPoint, Metric, Number, Point, Request, Sum, Value,
        nanoseconds, resourced,
    },
};
use crate::{
    events::fields,
    export::{histograms, own::MetricKind, rows},
    identity::labels::{IdentityLabel, RowLabels},
};

/// Collects points, and makes requests of them that are not too large.
#[derive(Debug)]
pub(in crate::export) struct Points {
    resource: Bytes,
    begun: u64,
    now: u64,
    requests: Vec<Bytes>,
    metrics: Vec<Bytes>,
    /// Bytes of the metrics that are complete.
    bytes: usize,
    family: Option<Family>,
}

/// The metric that is being written.
#[derive(Debug)]
struct Family {
    name: String,
    description: String,
    kind: MetricKind,
    points: Vec<Bytes>,
    bytes: usize,
}

impl Points {
    pub(super) fn new(resource: Bytes, begun: SystemTime, now: SystemTime) -> Self {
        let (begun, now) = (nanoseconds(begun), nanoseconds(now));
        Self { resource, begun, now, requests: Vec::new(), metrics: Vec::new(), bytes: 0, family: None }
    }

    /// Begins a metric.
    pub(in crate::export) fn begin(&mut self, name: &str, help: &str, kind: MetricKind) {
        self.end_metric();
        let description = format!("{}.", help.trim_end_matches('.'));
        self.family = Some(Family { name: name.to_owned(), description, kind, points: Vec::new(), bytes: 0 });
    }

    /// Adds a row: what it is since when it counts, as far as that is known.
    pub(in crate::export) fn add(
        &mut self,
        labels: &[&str],
        values: &[&str],
        number: rows::Number,
        since: rows::Since,
    ) {
        let start_time = self.start_time(since);
        let Some(family) = &self.family else { return };
        let point = Point {
            start_time: if family.kind == MetricKind::Counter { start_time } else { 0 },
            time: self.now,
            value: Some(match number {
                rows::Number::Whole(number) => Number::Whole(i64::try_from(number).unwrap_or(i64::MAX)),
                rows::Number::Real(number) => Number::Real(number),
            }),
            attributes: attributes(labels, values),
        };
        self.push(point.encode_to_vec().into());
    }

    /// Adds a histogram, and since when it counts.
    pub(in crate::export) fn add_histogram(
        &mut self,
        labels: &[&str],
        values: &[&str],
        histogram: &histograms::Histogram,
        since: rows::Since,
    ) {
        let (bounds, counts): (Vec<_>, _) = histogram.buckets().into_iter().unzip();
        let point = HistogramPoint {
            start_time: self.start_time(since),
            time: self.now,
            count: histogram.count(),
            sum: Some(histogram.sum()),
            counts,
            // That of the last bucket is not written.
            bounds: bounds.into_iter().filter(|bound: &f64| bound.is_finite()).collect(),
            attributes: attributes(labels, values),
        };
        self.push(point.encode_to_vec().into());
    }

    fn start_time(&self, since: rows::Since) -> u64 {
        match since {
            rows::Since::Unknown => 0,
            rows::Since::Start => self.begun,
            rows::Since::Time(time) => nanoseconds(time),
        }
    }

    fn push(&mut self, point: Bytes) {
        let Some(family) = &mut self.family else { return };
        family.bytes += point.len();
        family.points.push(point);
        if self.bytes + family.bytes >= REQUEST_BYTES {
            let (name, description, kind) = (family.name.clone(), family.description.clone(), family.kind);
            self.end_request();
            self.family = Some(Family { name, description, kind, points: Vec::new(), bytes: 0 });
        }
    }

    /// All requests.
    pub(super) fn finish(mut self) -> Vec<Bytes> {
        self.end_request();
        self.requests
    }

    fn end_metric(&mut self) {
        let Some(Family { name, description, kind, points, bytes: _ }) = self.family.take() else { return };
        if points.is_empty() {
            return;
        }
        let (mut gauge, mut sum, mut histogram) = (None, None, None);
        match kind {
            MetricKind::Gauge => gauge = Some(Gauge { points }),
            MetricKind::Counter => sum = Some(Sum { points, temporality: CUMULATIVE, is_monotonic: true }),
            MetricKind::Histogram => histogram = Some(Histogram { points, temporality: CUMULATIVE }),
        }
        let unit = match rows::unit(&name) {
            Some((_, Unit::Seconds)) => "s",
            Some((_, Unit::Bytes)) => "By",
            _ => "",
        };
        let metric = Metric { name, description, unit: unit.to_owned(), gauge, sum, histogram };
        let metric = Bytes::from(metric.encode_to_vec());
        self.bytes += metric.len();
        self.metrics.push(metric);
    }

    fn end_request(&mut self) {
        self.end_metric();
        if self.metrics.is_empty() {
            return;
        }
        let resourced = resourced(self.resource.clone(), std::mem::take(&mut self.metrics));
        self.requests.push(Request { resourced: vec![resourced] }.encode_to_vec().into());
        self.bytes = 0;
    }
}

/// Labels as attributes; those that are empty are left out.
fn attributes(labels: &[&str], values: &[&str]) -> Vec<Attribute> {
    let labels = labels.iter().zip(values).filter(|(_, value)| !value.is_empty());
    let attributes = labels.map(|(label, value)| match attribute(label) {
        Some(attribute) => Attribute::fixed(attribute, Value::text(value)),
        None => Attribute::text((*label).to_owned(), value),
    });
    attributes.collect()
}

/// The attribute of a label that says whose a row is: that of the events.
fn attribute(label: &str) -> Option<&'static str> {
    let is_identity = label == RowLabels::UNIT || IdentityLabel::ALL.iter().any(|identity| identity.name() == label);
    is_identity.then(|| fields::all().find(|field| field.name == label).map(|field| field.attribute))?
}
