//! Log records and points of metrics, out of the JSON form of OTLP.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// Names and values of attributes, the values as plain JSON: `"a"`, `5`, `5.0`, `true`, `[…]`, `{…}`. Bytes stay as they
/// came, as `{"bytesValue": "…"}`; an empty value is `null`.
pub type Attributes = BTreeMap<String, Value>;

/// All that was received, in this order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Received {
    /// Log records.
    pub logs: Vec<LogRecord>,
    /// Points of metrics.
    pub metrics: Vec<Point>,
}

/// What made a log record or a metric.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its attributes.
    pub attributes: Attributes,
}

/// A log record. What it does not have is empty, or 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogRecord {
    /// The attributes of its resource.
    pub resource: Attributes,
    /// What made it.
    pub scope: Scope,
    /// What kind of event it is.
    pub event_name: String,
    /// When it happened, in nanoseconds since 1970.
    pub time: u64,
    /// When it was seen, in nanoseconds since 1970.
    pub observed_time: u64,
    /// How severe it is.
    pub severity_number: u64,
    /// What its source calls that.
    pub severity_text: String,
    /// Its body, as plain JSON.
    pub body: Value,
    /// Its attributes.
    pub attributes: Attributes,
}

/// A point of a metric: a number at a time, or a histogram.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The attributes of its resource.
    pub resource: Attributes,
    /// What made it.
    pub scope: Scope,
    /// The metric's name.
    pub name: String,
    /// The metric's unit.
    pub unit: String,
    /// What the metric tells.
    pub description: String,
    /// What the metric is.
    pub kind: Kind,
    /// The point's attributes.
    pub attributes: Attributes,
    /// Since when it counts, in nanoseconds since 1970; 0 if it does not say.
    pub start_time: u64,
    /// When it was taken, in nanoseconds since 1970.
    pub time: u64,
    /// An integer or a float. Of a histogram: its `count`, its `sum`, the `counts` of its buckets and their `bounds`.
    pub value: Value,
}

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A number that is what it is.
    Gauge,
    /// A number that sums something up.
    Sum {
        /// Whether it never falls.
        monotonic: bool,
        /// Whether it counts since the start, not since the point before.
        cumulative: bool,
    },
    /// How many were how large.
    Histogram {
        /// Whether it counts since the start, not since the point before.
        cumulative: bool,
    },
}

impl Received {
    /// Adds a message of OTLP. Panics when it is none, or has metrics that are neither numbers nor histograms.
    pub(super) fn add(&mut self, message: &Value) {
        for of_resource in list(&message["resourceLogs"]) {
            let resource = attributes(&of_resource["resource"]);
            for of_scope in list(&of_resource["scopeLogs"]) {
                let scope = Scope::of(of_scope);
                let records = list(&of_scope["logRecords"]);
                self.logs.extend(records.iter().map(|record| LogRecord::of(record, &resource, &scope)));
            }
        }
        for of_resource in list(&message["resourceMetrics"]) {
            let resource = attributes(&of_resource["resource"]);
            for of_scope in list(&of_resource["scopeMetrics"]) {
                let scope = Scope::of(of_scope);
                for metric in list(&of_scope["metrics"]) {
                    self.metrics.extend(Point::all_of(metric, &resource, &scope));
                }
            }
        }
    }
}

impl Scope {
    fn of(parent: &Value) -> Self {
        let scope = &parent["scope"];
        Self { name: text(&scope["name"]), version: text(&scope["version"]), attributes: attributes(scope) }
    }
}

impl LogRecord {
    fn of(record: &Value, resource: &Attributes, scope: &Scope) -> Self {
        Self {
            resource: resource.clone(),
            scope: scope.clone(),
            event_name: text(&record["eventName"]),
            time: number(&record["timeUnixNano"]),
            observed_time: number(&record["observedTimeUnixNano"]),
            severity_number: number(&record["severityNumber"]),
            severity_text: text(&record["severityText"]),
            body: plain(&record["body"]),
            attributes: attributes(record),
        }
    }
}

impl Point {
    fn all_of(metric: &Value, resource: &Attributes, scope: &Scope) -> impl Iterator<Item = Self> {
        let (kind, points) = Kind::of(metric);
        points.iter().map(move |point| Self {
            resource: resource.clone(),
            scope: scope.clone(),
            name: text(&metric["name"]),
            unit: text(&metric["unit"]),
            description: text(&metric["description"]),
            kind,
            attributes: attributes(point),
            start_time: number(&point["startTimeUnixNano"]),
            time: number(&point["timeUnixNano"]),
            value: kind.value(point),
        })
    }
}

impl Kind {
    /// What a metric is, and its points.
    fn of(metric: &Value) -> (Self, &[Value]) {
        /// `AGGREGATION_TEMPORALITY_CUMULATIVE`
        const CUMULATIVE: u64 = 2;
        let is_cumulative = |data: &Value| number(&data["aggregationTemporality"]) == CUMULATIVE;
        let (kind, data) = match (&metric["gauge"], &metric["sum"], &metric["histogram"]) {
            (Value::Null, Value::Null, Value::Null) => panic!("neither a gauge nor a sum nor a histogram: {metric}"),
            (Value::Null, Value::Null, histogram) => {
                (Self::Histogram { cumulative: is_cumulative(histogram) }, histogram)
            }
            (Value::Null, sum, _) => {
                (Self::Sum { monotonic: sum["isMonotonic"] == true, cumulative: is_cumulative(sum) }, sum)
            }
            (gauge, ..) => (Self::Gauge, gauge),
        };
        (kind, list(&data["dataPoints"]))
    }

    /// What a point of such a metric says.
    fn value(self, point: &Value) -> Value {
        match self {
            Self::Histogram { .. } => json!({
                "count": number(&point["count"]),
                "sum": point["sum"],
                "counts": list(&point["bucketCounts"]).iter().map(number).collect::<Vec<_>>(),
                "bounds": point["explicitBounds"],
            }),
            Self::Gauge | Self::Sum { .. } if point["asInt"].is_null() => point["asDouble"].clone(),
            Self::Gauge | Self::Sum { .. } => integer(&point["asInt"]),
        }
    }
}

/// The field `attributes` of whatever has one.
fn attributes(parent: &Value) -> Attributes {
    pairs(&parent["attributes"]).collect()
}

fn pairs(list_of_pairs: &Value) -> impl Iterator<Item = (String, Value)> {
    list(list_of_pairs).iter().map(|pair| (text(&pair["key"]), plain(&pair["value"])))
}

/// A value that names its type, without that.
fn plain(value: &Value) -> Value {
    let Some((kind, value)) = value.as_object().and_then(|value| value.iter().next()) else {
        return Value::Null;
    };
    match kind.as_str() {
        "stringValue" | "boolValue" | "doubleValue" => value.clone(),
        "intValue" => integer(value),
        "arrayValue" => list(&value["values"]).iter().map(plain).collect(),
        "kvlistValue" => pairs(&value["values"]).collect::<Map<_, _>>().into(),
        _ => Value::Object([(kind.clone(), value.clone())].into_iter().collect()),
    }
}

/// What is missing is empty.
fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// OTLP writes integers of 64 bits as strings, smaller ones as numbers, and 0 by leaving it out.
fn number(value: &Value) -> u64 {
    match value {
        Value::Null => Some(0),
        Value::String(digits) => digits.parse().ok(),
        other => other.as_u64(),
    }
    .unwrap_or_else(|| panic!("not an unsigned integer: {value}"))
}

fn integer(value: &Value) -> Value {
    let parsed = value.as_str().map_or_else(|| value.as_i64(), |digits| digits.parse().ok());
    parsed.unwrap_or_else(|| panic!("not an integer: {value}")).into()
}
