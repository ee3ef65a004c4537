//! The messages of OTLP, as far as they are sent and answered here.
//!
//! The generated ones come with the whole SDK, whose records own every key. Here texts are [`Bytes`], which on the wire are the
//! same and need no allocation for a key. Messages that are already encoded are bytes as well, because `bytes` and a message
//! within a message look the same, too.

use prost::{Message, Oneof, bytes::Bytes};

/// A request of either kind: logs or metrics by resource, each a [`Resourced`].
#[derive(Clone, PartialEq, Message)]
pub(super) struct Request {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    pub(super) resourced: Vec<Bytes>,
}

/// Logs or metrics of one resource.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Resourced {
    /// A [`Resource`].
    #[prost(bytes = "bytes", tag = "1")]
    pub(super) resource: Bytes,
    #[prost(message, repeated, tag = "2")]
    pub(super) scoped: Vec<Scoped>,
    #[prost(string, tag = "3")]
    pub(super) schema_url: String,
}

/// Logs or metrics of one scope.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Scoped {
    #[prost(message, optional, tag = "1")]
    pub(super) scope: Option<Scope>,
    /// Each a [`LogRecord`] or a [`Metric`].
    #[prost(bytes = "bytes", repeated, tag = "2")]
    pub(super) items: Vec<Bytes>,
    #[prost(string, tag = "3")]
    pub(super) schema_url: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Resource {
    #[prost(message, repeated, tag = "1")]
    pub(super) attributes: Vec<Attribute>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Scope {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) version: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct LogRecord {
    #[prost(fixed64, tag = "1")]
    pub(super) time: u64,
    #[prost(int32, tag = "2")]
    pub(super) severity: i32,
    #[prost(message, repeated, tag = "6")]
    pub(super) attributes: Vec<Attribute>,
    #[prost(fixed64, tag = "11")]
    pub(super) observed_time: u64,
    #[prost(bytes = "bytes", tag = "12")]
    pub(super) event_name: Bytes,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Attribute {
    #[prost(bytes = "bytes", tag = "1")]
    pub(super) key: Bytes,
    #[prost(message, optional, tag = "2")]
    pub(super) value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct AnyValue {
    #[prost(oneof = "Value", tags = "1, 2, 3, 4, 5, 6")]
    pub(super) value: Option<Value>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Value {
    #[prost(bytes, tag = "1")]
    Text(Bytes),
    #[prost(bool, tag = "2")]
    Flag(bool),
    #[prost(int64, tag = "3")]
    Number(i64),
    #[prost(double, tag = "4")]
    Decimal(f64),
    #[prost(message, tag = "5")]
    List(List),
    #[prost(message, tag = "6")]
    Pairs(Pairs),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct List {
    #[prost(message, repeated, tag = "1")]
    pub(super) values: Vec<AnyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Pairs {
    #[prost(message, repeated, tag = "1")]
    pub(super) values: Vec<Attribute>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Metric {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) description: String,
    #[prost(string, tag = "3")]
    pub(super) unit: String,
    #[prost(message, optional, tag = "5")]
    pub(super) gauge: Option<Gauge>,
    #[prost(message, optional, tag = "7")]
    pub(super) sum: Option<Sum>,
    #[prost(message, optional, tag = "9")]
    pub(super) histogram: Option<Histogram>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Gauge {
    /// Each a [`Point`].
    #[prost(bytes = "bytes", repeated, tag = "1")]
    pub(super) points: Vec<Bytes>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Sum {
    /// Each a [`Point`].
    #[prost(bytes = "bytes", repeated, tag = "1")]
    pub(super) points: Vec<Bytes>,
    #[prost(int32, tag = "2")]
    pub(super) temporality: i32,
    #[prost(bool, tag = "3")]
    pub(super) is_monotonic: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Histogram {
    /// Each a [`HistogramPoint`].
    #[prost(bytes = "bytes", repeated, tag = "1")]
    pub(super) points: Vec<Bytes>,
    #[prost(int32, tag = "2")]
    pub(super) temporality: i32,
}

/// The value of [`Sum::temporality`] and [`Histogram::temporality`] for what has been counted since its start time.
pub(super) const CUMULATIVE: i32 = 2;

#[derive(Clone, PartialEq, Message)]
pub(super) struct Point {
    #[prost(fixed64, tag = "2")]
    pub(super) start_time: u64,
    #[prost(fixed64, tag = "3")]
    pub(super) time: u64,
    #[prost(oneof = "Number", tags = "4, 6")]
    pub(super) value: Option<Number>,
    #[prost(message, repeated, tag = "7")]
    pub(super) attributes: Vec<Attribute>,
}

#[derive(Clone, Copy, PartialEq, Oneof)]
pub(super) enum Number {
    #[prost(double, tag = "4")]
    Real(f64),
    #[prost(sfixed64, tag = "6")]
    Whole(i64),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct HistogramPoint {
    #[prost(fixed64, tag = "2")]
    pub(super) start_time: u64,
    #[prost(fixed64, tag = "3")]
    pub(super) time: u64,
    #[prost(fixed64, tag = "4")]
    pub(super) count: u64,
    #[prost(double, optional, tag = "5")]
    pub(super) sum: Option<f64>,
    /// One more than there are bounds.
    #[prost(fixed64, repeated, tag = "6")]
    pub(super) counts: Vec<u64>,
    /// A bound belongs to the bucket below.
    #[prost(double, repeated, tag = "7")]
    pub(super) bounds: Vec<f64>,
    #[prost(message, repeated, tag = "9")]
    pub(super) attributes: Vec<Attribute>,
}

/// An answer to either kind of request.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Response {
    #[prost(message, optional, tag = "1")]
    pub(super) partial_success: Option<PartialSuccess>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct PartialSuccess {
    /// How many records or points were not taken.
    #[prost(int64, tag = "1")]
    pub(super) rejected: i64,
    #[prost(string, tag = "2")]
    pub(super) message: String,
}

/// `google.rpc.Status`, which gRPC puts beside a failure.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Failure {
    #[prost(message, repeated, tag = "3")]
    pub(super) details: Vec<Detail>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Detail {
    #[prost(string, tag = "1")]
    pub(super) type_url: String,
    #[prost(bytes = "bytes", tag = "2")]
    pub(super) value: Bytes,
}

/// `google.rpc.RetryInfo`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    pub(super) delay: Option<Delay>,
}

/// `google.protobuf.Duration`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Delay {
    #[prost(int64, tag = "1")]
    pub(super) seconds: i64,
    #[prost(int32, tag = "2")]
    pub(super) nanos: i32,
}

impl Attribute {
    /// An attribute whose key is known at compile time.
    pub(super) fn fixed(key: &'static str, value: Value) -> Self {
        Self { key: Bytes::from_static(key.as_bytes()), value: Some(AnyValue { value: Some(value) }) }
    }

    /// An attribute with any key, and a text.
    pub(super) fn text(key: String, text: &str) -> Self {
        Self { key: key.into(), value: Some(AnyValue { value: Some(Value::text(text)) }) }
    }
}

impl Value {
    /// A text.
    pub(super) fn text(text: &str) -> Self {
        Self::Text(Bytes::copy_from_slice(text.as_bytes()))
    }
}

/// Logs or metrics of one resource, with this exporter as scope.
pub(super) fn resourced(resource: Bytes, items: Vec<Bytes>) -> Bytes {
    /// The conventions that names follow.
    const SCHEMA: &str = "https://opentelemetry.io/schemas/1.44.0";
    let scope = Scope { name: "doubleslit".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() };
    let scoped = vec![Scoped { scope: Some(scope), items, schema_url: SCHEMA.to_owned() }];
    Resourced { resource, scoped, schema_url: SCHEMA.to_owned() }.encode_to_vec().into()
}

/// A time as nanoseconds since 1970.
pub(super) fn nanoseconds(time: std::time::SystemTime) -> u64 {
    let since = time.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
