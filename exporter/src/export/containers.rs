//! The metrics that describe containers.

use std::{
    collections::BTreeMap,
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

use super::{Settings, own, rows::Out};
use crate::{
    counts::snapshot::{Container, Snapshot},
    identity::{Identity, Runtime, labels::cut},
};

pub(super) fn write(out: &mut Out<'_>, settings: &Settings, snapshot: &Snapshot) -> fmt::Result {
    running(out, snapshot)?;
    info(out, settings, snapshot)?;
    start_times(out, snapshot)
}

/// A runtime that once had a container stays, at 0 if need be.
fn running(out: &mut Out<'_>, snapshot: &Snapshot) -> fmt::Result {
    let mut runtimes =
        snapshot.lifecycles.iter().map(|row| (row.runtime.name(), 0_u64)).collect::<BTreeMap<&str, u64>>();
    for container in &snapshot.containers {
        if let Some(runtime) = container.identity.runtime {
            *runtimes.entry(runtime.name()).or_default() += u64::from(container.running);
        }
    }
    let mut rows = out.own(&own::CONTAINERS);
    runtimes.into_iter().try_for_each(|(runtime, count)| rows.row(&[runtime], count))
}

fn info(out: &mut Out<'_>, settings: &Settings, snapshot: &Snapshot) -> fmt::Result {
    let container_labels = &settings.container_labels;
    let names = snapshot.labels.names().collect::<Vec<_>>();
    let metric = &own::CONTAINER_INFO;
    // A label that is part of the identity is not written a second time.
    let others: Vec<usize> = (0..metric.labels.len()).filter(|at| !names.contains(&metric.labels[*at])).collect();
    let labels: Vec<&str> = names
        .iter()
        .copied()
        .chain(others.iter().map(|at| metric.labels[*at]))
        .chain(container_labels.iter().map(|label| label.label.as_str()))
        .collect();
    let mut rows = out.family(metric.name, metric.help, metric.kind, &labels);
    for container in &snapshot.containers {
        let Container { labels, identity, cgroup_id, cgroup_path, started: _, running: _ } = &**container;
        let Identity { runtime, image, image_id, pod_uid, qos, .. } = &**identity;
        let cgroup_id = cgroup_id.to_string();
        let described: [&str; 7] =
            [runtime.map_or("", Runtime::name), image, image_id, pod_uid, qos, &cgroup_id, cgroup_path];
        let values: Vec<&str> = labels
            .iter()
            .map(String::as_str)
            .chain(others.iter().map(|at| described[*at]))
            .chain(
                container_labels.iter().map(|label| identity.container_labels.get(&label.key).map_or("", |v| cut(v))),
            )
            .collect();
        rows.row(&values, true)?;
    }
    Ok(())
}

/// Containers with equal labels have one row: the latest start.
fn start_times(out: &mut Out<'_>, snapshot: &Snapshot) -> fmt::Result {
    let mut times = BTreeMap::<&[String], SystemTime>::new();
    for container in &snapshot.containers {
        if let Some(started) = container.started {
            let time = times.entry(&container.labels).or_insert(started);
            *time = started.max(*time);
        }
    }
    let metric = &own::CONTAINER_START_TIME;
    let names = snapshot.labels.names().collect::<Vec<_>>();
    let mut rows = out.family(metric.name, metric.help, metric.kind, &names);
    for (labels, time) in times {
        let values: Vec<&str> = labels.iter().map(String::as_str).collect();
        rows.row(&values, time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64())?;
    }
    Ok(())
}
