//! What is let into the ring, while programs run: gates by kind, and the rules that they refer to.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, PoisonError},
};

use aya::maps::{Array, MapData, MapError};
use doubleslit_common::{
    event::Gate,
    filter::{LAYERS_MAX, Rule},
    kind::Kind,
};
use rustix::thread::{MembarrierCommand, membarrier};

use super::{element::Element, events::EventSettings, object::LoadError};
use crate::filter::kernel::KernelFilter;

/// Which events are let in.
#[derive(Clone, Debug, Default)]
pub struct Admitted {
    /// What passes, by kind, before the rules of the filter are added; of a kind that is not here, nothing does.
    pub gates: BTreeMap<Kind, Gate>,
    /// The rules that the kernel tests.
    pub filter: KernelFilter,
}

/// Why gates could not be written.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// There is no telling when programs have done with what is to be written.
    #[error("waiting for programs that run, with the system call `membarrier`")]
    Wait(#[source] io::Error),
    /// A map refuses.
    #[error("writing to the map `{0}`")]
    Map(&'static str, #[source] MapError),
}

/// The maps of gates and rules.
///
/// Programs read a gate and then the rules that it names, while others may be written. So a change takes two steps: first the
/// gates let everything pass ([`Self::widen`]), and once no program uses the old rules, the new ones are written. When the
/// verdicts on owners are the new ones too, the gates name the new rules ([`Self::narrow`]). Meanwhile more comes than is wanted,
/// never less.
pub struct Gates {
    rules: Array<MapData, Element<Rule>>,
    gates: Array<MapData, Element<Gate>>,
    /// The filter that verdicts are by.
    filter: Arc<Mutex<KernelFilter>>,
    /// What was let in at the beginning. For other kinds no program is attached.
    begun: BTreeMap<Kind, Gate>,
    /// What is let in now.
    admitted: Admitted,
}

impl Gates {
    /// Writes rules and gates before any program is attached.
    pub(super) fn open(
        rules: Array<MapData, Element<Rule>>,
        gates: Array<MapData, Element<Gate>>,
        settings: &EventSettings,
    ) -> Result<Self, LoadError> {
        let EventSettings { gates: begun, filter, .. } = settings;
        let admitted = Admitted { gates: begun.clone(), filter: filter.clone() };
        let filter = Arc::new(Mutex::new(filter.clone()));
        let mut opened = Self { rules, gates, filter, begun: begun.clone(), admitted };
        let filter = opened.admitted.filter.clone();
        opened.write_rules().and_then(|()| opened.write_gates(|kind, gate| filter.gate(kind, gate)))?;
        Ok(opened)
    }

    /// The filter that verdicts are by.
    pub(super) fn filter(&self) -> Arc<Mutex<KernelFilter>> {
        Arc::clone(&self.filter)
    }

    /// The kinds of events for which programs are there.
    pub fn kinds(&self) -> impl Iterator<Item = Kind> {
        self.begun.keys().copied()
    }

    /// Lets in what others admit, and more. Then verdicts on owners are to be renewed. Returns what was let in before.
    ///
    /// # Errors
    ///
    /// When that is not possible; then everything is as it was.
    pub fn widen(&mut self, next: Admitted) -> Result<Admitted, GateError> {
        // Nothing is written where this does not work.
        wait_for_programs()?;
        let before = std::mem::replace(&mut self.admitted, next);
        let result = self.replace_rules(&before.filter);
        if result.is_err() {
            let failed = std::mem::replace(&mut self.admitted, before.clone());
            // What is not there again lets more pass, which is found out by whoever gets it.
            let _ = self.replace_rules(&failed.filter).and_then(|()| self.narrow());
        }
        result.map(|()| before)
    }

    /// Lets in only what is admitted. To be called after [`Self::widen`], once verdicts are renewed.
    ///
    /// # Errors
    ///
    /// When a map refuses; then more comes than is admitted.
    pub fn narrow(&mut self) -> Result<(), GateError> {
        // Which rules ask for owners is there before the rules are.
        let filter = self.admitted.filter.clone();
        self.write_gates(|kind, gate| wide(&filter, kind, gate))?;
        wait_for_programs()?;
        self.write_gates(|kind, gate| filter.gate(kind, gate))
    }

    fn replace_rules(&mut self, before: &KernelFilter) -> Result<(), GateError> {
        // A program that has just read a rule's number must find that it still asks for owners if it did.
        self.write_gates(|kind, gate| wide(before, kind, gate))?;
        wait_for_programs()?;
        self.write_rules()?;
        *self.filter.lock().unwrap_or_else(PoisonError::into_inner) = self.admitted.filter.clone();
        Ok(())
    }

    fn write_rules(&mut self) -> Result<(), GateError> {
        let rules = &mut self.rules;
        let mut write = |(number, rule)| rules.set(number, Element(rule), 0);
        (0..).zip(self.admitted.filter.rules()).try_for_each(&mut write).map_err(|error| GateError::Map("RULES", error))
    }

    /// Writes the gates of all kinds for which programs are there; `with` adds rules to those that are admitted.
    fn write_gates(&mut self, with: impl Fn(Kind, Gate) -> Gate) -> Result<(), GateError> {
        let Self { gates, begun, admitted, .. } = self;
        begun.keys().try_for_each(|kind| {
            let gate = admitted.gates.get(kind).map_or(Gate::default(), |gate| with(*kind, *gate));
            gates.set(*kind as u32, Element(gate), 0).map_err(|error| GateError::Map("GATES", error))
        })
    }
}

/// A gate without rules, that knows which rules ask for owners.
fn wide(filter: &KernelFilter, kind: Kind, gate: Gate) -> Gate {
    Gate { drop: 0, select: [0; LAYERS_MAX], ..filter.gate(kind, gate) }
}

/// Waits until every program that runs now has ended. The kernel then lets all readers end that have begun, and programs are such.
fn wait_for_programs() -> Result<(), GateError> {
    membarrier(MembarrierCommand::Global).map_err(|error| GateError::Wait(error.into()))
}

impl std::fmt::Debug for Gates {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Gates").field("admitted", &self.admitted).finish_non_exhaustive()
    }
}
