//! Filters: which events are wanted. `docs/filters.md` tells how rules are written.

mod calls;
mod error;
mod forms;
pub mod kernel;
mod list;
mod owners;
mod profile;
mod rule;
mod sample;
mod test;
mod written;

#[cfg(test)]
mod tests;

use doubleslit_common::kind::Kind;

pub use calls::calls;
pub use error::FilterError;
pub use owners::Owners;
pub use profile::{PROFILES, Profile};
pub use sample::{Sample, Sampling};
pub use written::WrittenRule;

use self::list::Rules;
use crate::events::{event::Event, fields::KINDS};

/// Which events are wanted. The default is all of them.
///
/// An event must pass each layer: a rule there selects it, or none is there to select; and no rule there drops it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    layers: Vec<Layer>,
}

/// Rules that select, and rules that drop.
#[derive(Clone, Debug)]
struct Layer {
    written: [Vec<WrittenRule>; 2],
    select: Rules,
    drop: Rules,
}

impl PartialEq for Layer {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for Layer {}

/// Rules as they are written, and what their list is called where they are.
#[derive(Clone, Debug, Default)]
pub struct List<'a> {
    /// The name.
    pub name: &'a str,
    /// The rules.
    pub rules: Vec<WrittenRule>,
}

impl List<'_> {
    fn compile(&self) -> Result<Rules, FilterError> {
        Rules::compile(&self.rules, self.name)
    }
}

impl Filter {
    /// What passes this filter and these rules too.
    ///
    /// # Errors
    ///
    /// When a rule makes no sense.
    pub fn and(mut self, select: List<'_>, drop: List<'_>) -> Result<Self, FilterError> {
        let (selecting, dropping) = (select.compile()?, drop.compile()?);
        if !(selecting.is_empty() && dropping.is_empty()) {
            self.layers.push(Layer { written: [select.rules, drop.rules], select: selecting, drop: dropping });
        }
        Ok(self)
    }

    /// Whether an event is wanted.
    #[must_use]
    pub fn passes(&self, event: &Event) -> bool {
        self.layers.iter().all(|Layer { select, drop, .. }| {
            (select.is_empty() || select.any_matches(event)) && !drop.any_matches(event)
        })
    }

    /// Whether an event of this kind can be wanted.
    #[must_use]
    pub fn concerns(&self, kind: Kind) -> bool {
        self.layers.iter().all(|layer| layer.select.is_empty() || layer.select.concerns(kind))
    }
}

/// The kinds with this name: one, or several as `signal` is `signal_generate` and `signal_deliver`.
///
/// # Errors
///
/// When there is none: what there is instead.
pub fn kinds(name: &str) -> Result<Vec<Kind>, String> {
    let bits = rule::kinds(&[name.to_owned()]).map_err(|(_, expected)| format!("expected {expected}"))?;
    Ok(KINDS.iter().copied().filter(|kind| bits >> *kind as u32 & 1 == 1).collect())
}
