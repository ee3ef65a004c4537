//! Sending events as log records, and metrics, to an OpenTelemetry collector.
//!
//! Events become records, records become requests, requests wait in a bounded queue until the collector has acknowledged them.
//! Nobody waits for the collector but the task that sends.

mod batch;
mod client;
mod delivery;
mod directory;
mod logs;
mod messages;
mod metrics;
mod points;
mod queue;
mod record;
mod resource;
mod retry;
mod totals;

#[cfg(test)]
mod tests;

pub use client::{Client, Signal, TlsError};
pub use logs::{LogExport, StartError, prepare};
pub use metrics::{MetricExport, encode};
pub(super) use points::Points;
pub use record::{Recorder, ShownLabels, event_name};
pub use resource::Describer;
pub use totals::{Dropped, Requests, SharedRequests, Totals};
