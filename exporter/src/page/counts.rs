//! All that was counted of one row of the table.

use std::sync::Arc;

use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::Response,
};
use serde::Serialize;

use super::{Site, answer as answer_with, json, not_ready, owners, query};
use crate::{
    api::Problem,
    counts::snapshot::{Sender, Subject},
    probes::{Family, Source},
};

/// `?key=` is the key of the row.
pub(super) async fn answer(State(site): State<Arc<Site>>, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    let snapshot = site.parts.source.fresh().await.ok_or_else(not_ready)?;
    let pairs = query::pairs(query.as_deref().unwrap_or_default());
    let key = pairs.into_iter().find(|(name, _)| name == "key").map(|(_, key)| key);
    let key =
        key.ok_or_else(|| Problem::new(StatusCode::BAD_REQUEST, "expected `?key=`, which `/-/page/state` tells"))?;
    let subject = snapshot.subjects.iter().find(|subject| owners::key(subject) == key);
    let gone = || Problem::new(StatusCode::NOT_FOUND, "there is no such row, or it is gone");
    let subject = subject.ok_or_else(gone)?;
    let counts = Counts {
        taken: snapshot.taken.as_secs_f64(),
        families: site.parts.settings.families.iter().map(|family| FamilyCounts::of(family, subject)).collect(),
    };
    Ok(answer_with(json(&counts)?))
}

#[derive(Debug, Serialize)]
struct Counts {
    /// Seconds since the machine was started at which the maps were read.
    taken: f64,
    families: Vec<FamilyCounts>,
}

#[derive(Debug, Serialize)]
struct FamilyCounts {
    name: &'static str,
    help: &'static str,
    rows: Vec<(Vec<String>, u64)>,
}

impl FamilyCounts {
    fn of(family: &'static Family, subject: &Subject) -> Self {
        let labels = |detail| {
            let values = (family.values)(detail)?;
            Some(values[..family.labels.len()].iter().map(|value| (*value).to_owned()).collect::<Vec<_>>())
        };
        let rows = match family.source {
            Source::Counts => {
                subject.of(family.kind).filter_map(|(detail, count)| Some((labels(detail)?, count))).collect()
            }
            Source::Edges => {
                let edges = subject.edges.iter();
                let row = |((detail, sender), count): (&(u32, Arc<_>), &u64)| {
                    let mut values = labels(*detail)?;
                    values.push(sender_name(sender));
                    Some((values, *count))
                };
                edges.filter_map(row).collect()
            }
            // These are of names, not of a container.
            Source::Lifecycle => Vec::new(),
        };
        Self { name: family.name, help: family.help, rows }
    }
}

fn sender_name(sender: &Sender) -> String {
    let Sender { container, namespace } = sender;
    match (namespace.as_str(), container.as_str()) {
        ("", "") => "host".to_owned(),
        ("", container) => container.to_owned(),
        (namespace, container) => format!("{namespace}/{container}"),
    }
}
