//! What is counted of tracepoints, in numbers: the detail of a key stands for a tracepoint and for values of its fields.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{PoisonError, RwLock},
};

use doubleslit_common::probes::tracepoint::{SPLITS, TRACEPOINTS};

use super::select::Tracepoint;

/// How many different values hits are told apart by, all tracepoints together. A detail is never used for others, so that a
/// row never changes its meaning.
const VALUES: u32 = 1 << 16;

/// The first detail that stands for values. Below are the tracepoints, and behind them what each has without a number.
const FIRST_ALONE: u32 = 2 * TRACEPOINTS;

/// What stands for a label that a hit has no known value of.
const OTHER: &str = "other";

/// The name of the label with a field's value.
#[must_use]
pub fn label(field: &str) -> String {
    format!("field_{field}")
}

/// The tracepoints whose hits are counted, and the numbers of the values that they had so far.
#[derive(Debug)]
pub struct Hits {
    tracepoints: Vec<Tracepoint>,
    fields: BTreeSet<String>,
    numbers: RwLock<Numbers>,
}

#[derive(Debug, Default)]
struct Numbers {
    details: HashMap<(u32, [u64; SPLITS]), u32>,
    values: Vec<(u32, [u64; SPLITS])>,
}

impl Hits {
    /// Hits of these, whose numbers are their places.
    #[must_use]
    pub fn of(tracepoints: Vec<Tracepoint>) -> Self {
        let fields = tracepoints.iter().flat_map(|tracepoint| &tracepoint.by).map(|split| split.field.clone());
        Self { fields: fields.collect(), tracepoints, numbers: RwLock::default() }
    }

    /// The tracepoints.
    #[must_use]
    pub fn tracepoints(&self) -> &[Tracepoint] {
        &self.tracepoints
    }

    /// The detail of hits of a tracepoint with these values. Those for which there is no number any more have one detail
    /// together for each tracepoint, which no other hits have.
    #[must_use]
    pub fn detail(&self, tracepoint: u32, values: [u64; SPLITS]) -> u32 {
        let key = (tracepoint, values);
        let known = |numbers: &Numbers| numbers.details.get(&key).copied();
        if let Some(detail) = known(&self.numbers.read().unwrap_or_else(PoisonError::into_inner)) {
            return detail;
        }
        let mut numbers = self.numbers.write().unwrap_or_else(PoisonError::into_inner);
        let place = numbers.values.len() as u32;
        if place >= VALUES {
            return TRACEPOINTS + tracepoint;
        }
        let detail = FIRST_ALONE + place;
        numbers.details.insert(key, detail);
        numbers.values.push(key);
        detail
    }

    /// Whether a detail, which [`Self::detail`] gave, stands for the values of one key alone.
    #[must_use]
    pub const fn is_alone(detail: u32) -> bool {
        detail >= FIRST_ALONE
    }

    /// The tracepoint and the values that a detail stands for alone.
    #[must_use]
    pub fn exactly(&self, detail: u32) -> Option<(u32, [u64; SPLITS])> {
        let numbers = self.numbers.read().unwrap_or_else(PoisonError::into_inner);
        numbers.values.get(detail.checked_sub(FIRST_ALONE)? as usize).copied()
    }

    /// The names of the labels: the tracepoint's, and one for each field that some tracepoint's hits are split by.
    #[must_use]
    pub fn labels(&self) -> Vec<String> {
        ["tracepoint".to_owned()].into_iter().chain(self.fields.iter().map(|field| label(field))).collect()
    }

    /// The values of the labels for a detail. A field that a tracepoint's hits are not split by has an empty value.
    #[must_use]
    pub fn values(&self, detail: u32) -> Vec<String> {
        let exactly = self.exactly(detail);
        let number = exactly.map_or(detail % TRACEPOINTS, |(tracepoint, _)| tracepoint);
        // What belongs to no tracepoint has the highest detail there is.
        let found = self.tracepoints.get(number as usize).filter(|_| exactly.is_some() || !Self::is_alone(detail));
        let Some(tracepoint) = found else { return vec![OTHER.to_owned(); 1 + self.fields.len()] };
        let values: BTreeMap<_, _> = match exactly {
            Some((_, values)) => tracepoint.values(values).collect(),
            None => tracepoint.by.iter().map(|split| (split.field.as_str(), OTHER.to_owned())).collect(),
        };
        let of_field = |field: &String| values.get(field.as_str()).cloned().unwrap_or_default();
        [tracepoint.name.to_string()].into_iter().chain(self.fields.iter().map(of_field)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracepoints::{name::Name, select::Split};

    fn hits() -> Hits {
        let tracepoint = |name: &str, by: &[&str]| Tracepoint {
            name: Name { category: "c".to_owned(), name: name.to_owned() },
            id: 1,
            by: by.iter().map(|field| Split::unsigned(field)).collect(),
            named: true,
        };
        Hits::of(vec![tracepoint("plain", &[]), tracepoint("one", &["b"]), tracepoint("two", &["c", "a"])])
    }

    #[test]
    fn details_stand_for_values() {
        let hits = hits();
        assert_eq!(hits.labels(), ["tracepoint", "field_a", "field_b", "field_c"]);
        let (one, two) = (hits.detail(1, [7, 0, 0]), hits.detail(2, [8, 9, 0]));
        assert_eq!((hits.detail(1, [7, 0, 0]), hits.exactly(two)), (one, Some((2, [8, 9, 0]))));
        for (detail, expected) in [
            (0, ["c:plain", "", "", ""]),
            (one, ["c:one", "", "7", ""]),
            (two, ["c:two", "9", "", "8"]),
            // The map with the values had no place.
            (2, ["c:two", "other", "", "other"]),
            (u32::MAX, ["other"; 4]),
        ] {
            assert_eq!(hits.values(detail), expected, "{detail}");
        }
    }

    #[test]
    fn values_without_a_number_are_together() {
        let hits = hits();
        let last = (0..u64::from(VALUES)).map(|value| hits.detail(1, [value, 0, 0])).last();
        assert_eq!(last, Some(2 * TRACEPOINTS + VALUES - 1));
        let more = hits.detail(1, [u64::MAX, 0, 0]);
        assert_eq!((more, hits.detail(2, [1, 2, 0])), (TRACEPOINTS + 1, TRACEPOINTS + 2));
        assert_eq!(
            (hits.values(more), hits.exactly(more)),
            (["c:one", "", "other", ""].map(str::to_owned).into(), None)
        );
        assert_eq!(hits.detail(1, [5, 0, 0]), 2 * TRACEPOINTS + 5);
    }
}
