//! From what a configuration names to tracepoints of the running kernel.

use std::collections::BTreeMap;

use doubleslit_common::probes::tracepoint::{Place, SPLITS, Splits, TRACEPOINTS};

use super::{
    field::{Field, Integer, Shape},
    format::Format,
    name::{Name, NameError, Selector},
    record::{Endian, FieldError, unknown, wrong_type},
    tracefs::{Tracefs, TracefsError},
};

/// Tracepoints whose hits are to be counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Which.
    pub selector: Selector,
    /// The fields by whose values hits are split: at most [`SPLITS`], each once.
    pub by: Vec<String>,
    /// Whether their hits are single events too.
    pub events: bool,
    /// Whether these have the record's bytes.
    pub raw: bool,
}

/// A tracepoint whose hits are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracepoint {
    /// Its name.
    pub name: Name,
    /// The kernel's number for it.
    pub id: u32,
    /// By what its hits are split.
    pub by: Vec<Split>,
    /// Whether it was named alone, and not by a pattern.
    pub named: bool,
}

/// A field by whose values hits are split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Its name.
    pub field: String,
    place: Place,
    signed: bool,
}

/// Why hits cannot be counted as a configuration wants it.
#[derive(Debug, thiserror::Error)]
pub enum SelectError {
    /// The kernel's tracepoints are not known.
    #[error(transparent)]
    Tracefs(#[from] TracefsError),
    /// There is no such tracepoint.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A tracepoint has no such field, or it is no number.
    #[error("cannot split hits")]
    Field(#[source] Box<FieldError>),
    /// They are too many.
    #[error("{0} tracepoints are too many: expected at most {TRACEPOINTS}")]
    TooMany(usize),
}

/// The tracepoints that are wanted, each once: where several selectors mean one, the last of them says what it is split by.
///
/// # Errors
///
/// When a selector means none, when there are too many, or when a field cannot be split by. A tracepoint that only a pattern
/// means need not have the fields.
pub fn select(tracefs: &Tracefs, wanted: &[Wanted]) -> Result<Vec<Tracepoint>, SelectError> {
    let tracepoint = |(name, (named, Wanted { by, .. })): (&Name, (bool, &Wanted))| {
        let format = tracefs.format(name)?;
        let refused = |error| SelectError::Field(Box::new(error));
        let present = by.iter().filter(|field| named || format.field(field).is_some());
        let by = present.map(|field| split(name, &format, field)).collect::<Result<_, _>>().map_err(refused)?;
        Ok(Tracepoint { name: name.clone(), id: format.id, by, named })
    };
    meant(&tracefs.names()?, wanted)?.into_iter().map(tracepoint).collect()
}

/// Those of all tracepoints that are wanted, each with whether it was named alone and how it is wanted.
pub(super) fn meant<'a>(
    all: &'a [Name],
    wanted: &'a [Wanted],
) -> Result<BTreeMap<&'a Name, (bool, &'a Wanted)>, SelectError> {
    let mut meant = BTreeMap::new();
    for wanted in wanted {
        let Wanted { selector, .. } = wanted;
        meant.extend(selector.among(all)?.into_iter().map(|name| (name, (!selector.is_pattern(), wanted))));
    }
    if meant.len() > TRACEPOINTS as usize { Err(SelectError::TooMany(meant.len())) } else { Ok(meant) }
}

/// How hits are split by a field.
fn split(tracepoint: &Name, format: &Format, name: &str) -> Result<Split, FieldError> {
    let field = format.field(name).ok_or_else(|| unknown(tracepoint, format, name))?;
    let Field { offset, size, shape, common, .. } = field;
    let refused = || wrong_type(tracepoint, field, "number that hits can be split by");
    let Shape::Integer(Integer { bytes, signed }) = *shape else { return Err(refused()) };
    // Where these are, the kernel has an address of its own for a program (`perf_trace_run_bpf_submit`).
    if *common {
        return Err(refused());
    }
    // Of more bytes the lower ones count, which are the last ones where the highest comes first.
    let skipped = if Endian::NATIVE == Endian::Big { size - u32::from(bytes) } else { 0 };
    let offset = u16::try_from(offset + skipped).map_err(|_| refused())?;
    Ok(Split { field: name.to_owned(), place: Place { offset, bytes: bytes.into() }, signed })
}

impl Tracepoint {
    /// What the kernel is told of it.
    #[must_use]
    pub fn splits(&self) -> Splits {
        let mut splits = Splits::default();
        splits.places.iter_mut().zip(&self.by).for_each(|(place, split)| *place = split.place);
        splits
    }

    /// The values that hits have in common, by field.
    pub fn values(&self, values: [u64; SPLITS]) -> impl Iterator<Item = (&str, String)> {
        self.by.iter().zip(values).map(|(split, value)| (split.field.as_str(), split.shown(value)))
    }
}

impl Split {
    /// A field with an unsigned number of 8 bytes.
    #[cfg(test)]
    pub(crate) fn unsigned(field: &str) -> Self {
        Self { field: field.to_owned(), place: Place { offset: 8, bytes: 8 }, signed: false }
    }

    /// A value as the kernel read it, which knows no signs.
    fn shown(&self, value: u64) -> String {
        let unused = u64::BITS.saturating_sub(8 * u32::from(self.place.bytes)).min(u64::BITS - 1);
        if self.signed { ((value << unused).cast_signed() >> unused).to_string() } else { value.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    /// A tracefs with the recorded descriptions in one category.
    fn tracefs() -> (TempDir, Tracefs) {
        let root = TempDir::new().expect("a directory can be made");
        let seeds = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/parsers/tracepoint_format");
        for seed in fs::read_dir(seeds).expect("seeds") {
            let path = seed.expect("a seed").path();
            let to = root.path().join("events/c").join(path.file_name().expect("a name"));
            fs::create_dir_all(&to).expect("a directory can be made");
            fs::copy(path, to.join("format")).expect("it can be copied");
        }
        let tracefs = Tracefs::at(root.path());
        (root, tracefs)
    }

    fn wanted(text: &str, by: &[&str]) -> Wanted {
        let by = by.iter().map(|field| (*field).to_owned()).collect();
        Wanted { selector: Selector::parse(text).expect("one"), by, events: false, raw: false }
    }

    #[test]
    fn the_last_selector_says_how_hits_are_split() {
        let (_root, tracefs) = tracefs();
        let all = [wanted("c:s*", &["dfd", "code"]), wanted("sched_switch", &["prev_prio", "prev_state"])];
        let found = select(&tracefs, &all).expect("they are there");
        let told: Vec<_> = found
            .iter()
            .map(|tracepoint| {
                let values = tracepoint.values([u64::from(u32::MAX), 7, 9]);
                let values = values.map(|(field, value)| format!("{field}={value}"));
                (tracepoint.name.name.as_str(), tracepoint.named, values.collect::<Vec<_>>().join(" "))
            })
            .collect();
        assert_eq!(
            told,
            [
                ("sched_process_fork", false, String::new()),
                ("sched_switch", true, "prev_prio=-1 prev_state=7".to_owned()),
                ("signal_deliver", false, "code=-1".to_owned()),
                ("sys_enter_openat", false, "dfd=-1".to_owned()),
            ]
        );
        let place = |offset, bytes| Place { offset, bytes };
        assert_eq!(found[0].splits(), Splits::default());
        assert_eq!(found[1].splits().places, [place(28, 4), place(32, 8), Place::default()]);
    }

    #[test]
    fn what_cannot_be_counted_is_told() {
        let (_root, tracefs) = tracefs();
        for (wanted, expected) in [
            (
                wanted("c:sched_swich", &[]),
                "this kernel has no tracepoint `c:sched_swich`: expected one of `c:block_rq_issue`, ",
            ),
            (
                wanted("c:signal_deliver", &["sign"]),
                "cannot split hits: the tracepoint `c:signal_deliver` has no field `sign`: expected one of `common_type`, ",
            ),
            (
                wanted("c:sched_switch", &["common_pid"]),
                "cannot split hits: the field `common_pid` of the tracepoint `c:sched_switch` is a `int` and no number that hits \
                 can be split by",
            ),
            (
                wanted("c:sched_*", &["prev_comm"]),
                "cannot split hits: the field `prev_comm` of the tracepoint `c:sched_switch` is a `char[16]` and no number that \
                 hits can be split by",
            ),
        ] {
            let error = select(&tracefs, &[wanted]).expect_err(expected);
            let error = crate::error::chain(&error);
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
