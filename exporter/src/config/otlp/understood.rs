//! From what was written to what is meant.

use std::time::Duration;

use super::{Describes, Logs, Metrics, Otlp, Queue, Signal, Standard, connection::connection};
use crate::config::{
    error::Error,
    understood::{absolute, choice, duration, limit},
    written,
};

const BATCH: usize = 512;
const LINGER: Duration = Duration::from_secs(1);
const GIVE_UP: Duration = Duration::from_secs(300);
const INTERVAL: Duration = Duration::from_secs(60);

/// The attribute that a variable of its own sets.
const SERVICE_NAME: &str = "service.name";

/// Understands the section.
pub(in super::super) fn understood(written: written::Otlp) -> Result<Otlp, Error> {
    let standard = &written.standard;
    // The standard's switch is below the configuration's own.
    let disabled = standard.or("", "", "OTEL_SDK_DISABLED").map_or(Ok(false), |it| it.switch())?;
    let is_on =
        |key, ours, usually: bool| standard.or(key, ours, "").map_or(Ok(usually && !disabled), |it| it.switch());
    let is_logging = is_on("otlp.logs.enabled", &written.logs.enabled, true)?;
    let is_metering = is_on("otlp.metrics.enabled", &written.metrics.enabled, false)?;
    let to = |signal| connection(&written, signal);
    Ok(Otlp {
        resource: resource(&written.resource_attributes, standard)?,
        identity: choice("otlp.identity", &written.identity, Describes::ALL, Describes::name)?,
        shutdown: duration("otlp.shutdown", &written.shutdown)?,
        logs: if is_logging { to(Signal::Logs)? } else { None }
            .map(|connection| {
                let (queue, batch) = (queue(&written.logs, standard)?, batch(&written.logs, standard)?);
                let linger = standard.or("otlp.logs.linger", &written.logs.linger, "OTEL_BLRP_SCHEDULE_DELAY");
                let give_up = standard.or("otlp.logs.give_up", &written.logs.give_up, "OTEL_BLRP_EXPORT_TIMEOUT");
                let give_up = give_up.map_or(Ok(GIVE_UP), |it| it.duration())?;
                Ok::<_, Error>(Logs {
                    connection,
                    batch,
                    linger: linger.map_or(Ok(LINGER), |it| it.duration())?,
                    give_up: queue.directory.is_none().then_some(give_up),
                    queue,
                })
            })
            .transpose()?,
        metrics: if is_metering { to(Signal::Metrics)? } else { None }
            .map(|connection| Ok::<_, Error>(Metrics { connection, interval: interval(&written.metrics, standard)? }))
            .transpose()?,
    })
}

fn batch(written: &written::OtlpLogs, standard: &Standard) -> Result<usize, Error> {
    let batch = standard.or("otlp.logs.batch", &written.batch, "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE");
    batch.map_or(Ok(BATCH), |it| it.count())
}

fn interval(written: &written::OtlpMetrics, standard: &Standard) -> Result<Duration, Error> {
    let Some(setting) = standard.or("otlp.metrics.interval", &written.interval, "OTEL_METRIC_EXPORT_INTERVAL") else {
        return Ok(INTERVAL);
    };
    let interval = setting.duration()?;
    if interval.is_zero() { Err(setting.refused("more than no time")) } else { Ok(interval) }
}

fn queue(written: &written::OtlpLogs, standard: &Standard) -> Result<Queue, Error> {
    let records = standard.or("otlp.logs.queue_records", &written.queue_records, "OTEL_BLRP_MAX_QUEUE_SIZE");
    let directory = match written.directory.as_str() {
        "" => None,
        text => Some(absolute("otlp.logs.directory", text)?),
    };
    let in_memory = limit("otlp.logs.queue_bytes", &written.queue_bytes)?;
    let on_disk = limit("otlp.logs.directory_bytes", &written.directory_bytes)?;
    Ok(Queue {
        bytes: if directory.is_some() { on_disk } else { in_memory },
        records: records.map(|it| it.count()).transpose()?,
        directory,
    })
}

/// Further attributes of the resource; of several with the same name the last one counts.
fn resource(ours: &[String], standard: &Standard) -> Result<Vec<(String, String)>, Error> {
    let mut attributes = Vec::<(String, String)>::new();
    let mut set = |(name, value): (String, String)| {
        attributes.retain(|(other, _)| *other != name);
        attributes.push((name, value));
    };
    if let Some(setting) = standard.or("", "", "OTEL_RESOURCE_ATTRIBUTES") {
        setting.pairs()?.into_iter().for_each(&mut set);
    }
    if let Some(setting) = standard.or("", "", "OTEL_SERVICE_NAME") {
        set((SERVICE_NAME.to_owned(), setting.text.to_owned()));
    }
    for text in ours {
        set(pair("otlp.resource_attributes", text)?);
    }
    Ok(attributes)
}

/// A pair of the configuration.
pub(super) fn pair(key: &str, text: &str) -> Result<(String, String), Error> {
    let pair = text.split_once('=').map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
    pair.filter(|(name, _)| !name.is_empty()).ok_or_else(|| Error::value(key, text, "pairs such as `name=value`"))
}
