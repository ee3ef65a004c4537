//! What of a filter the kernel can decide, so that it need not send what nobody wants.

use std::{sync::Arc, time::SystemTime};

use doubleslit_common::{
    event::Gate,
    filter::{LAYERS_MAX, RULES_MAX, Rule as KernelRule},
    kind::Kind,
    probes::{
        socket_state::{Protocol, state},
        tcp::Family,
    },
};

use super::{
    Filter,
    forms::{self, STATES},
    rule::{Condition, Rule},
    test::Test,
};
use crate::{
    events::{
        event::{Details, Event, Exec},
        fields::Value,
    },
    identity::{CgroupId, Identity, registry::Known},
};

/// What the kernel tests. It lets everything pass that the filter does, and more.
#[derive(Clone, Debug, Default)]
pub struct KernelFilter {
    rules: Vec<Pushed>,
}

/// A rule that the kernel tests.
#[derive(Clone, Debug)]
struct Pushed {
    rule: Rule,
    /// The layer that it selects in; a rule without one drops.
    layer: Option<usize>,
    kernel: KernelRule,
    /// Whether the kernel tests it all.
    is_exact: bool,
}

impl KernelFilter {
    /// What the kernel can test of a filter.
    #[must_use]
    pub fn of(filter: &Filter) -> Self {
        let mut rules = Vec::new();
        for (number, layer) in filter.layers.iter().enumerate().take(LAYERS_MAX) {
            // A list that selects is only right as a whole.
            if rules.len() + layer.select.iter().count() <= RULES_MAX {
                rules.extend(layer.select.iter().map(|rule| Pushed::new(rule, Some(number))));
            }
        }
        let dropping = filter.layers.iter().flat_map(|layer| layer.drop.iter()).map(|rule| Pushed::new(rule, None));
        rules.extend(dropping.filter(|pushed| pushed.is_exact));
        rules.truncate(RULES_MAX);
        Self { rules }
    }

    /// The rules, as they are numbered.
    pub fn rules(&self) -> impl Iterator<Item = KernelRule> {
        self.rules.iter().map(|pushed| pushed.kernel)
    }

    /// Whether it matters who owns an event.
    #[must_use]
    pub fn asks_owner(&self) -> bool {
        self.rules.iter().any(Pushed::asks_owner)
    }

    /// The gate of a kind, with the rules that matter to it.
    #[must_use]
    pub fn gate(&self, kind: Kind, mut gate: Gate) -> Gate {
        for (number, pushed) in self.rules.iter().enumerate().filter(|(_, pushed)| pushed.rule.concerns(kind)) {
            let bit = 1 << number;
            match pushed.layer {
                Some(layer) => gate.select[layer] |= bit,
                None => gate.drop |= bit,
            }
            if pushed.asks_owner() {
                gate.asks_owner |= bit;
            }
        }
        // A list that selects everything need not be tested.
        for select in &mut gate.select {
            let selects_all = |(number, pushed): (usize, &Pushed)| {
                *select >> number & 1 == 1 && pushed.kernel == KernelRule::ANY && !pushed.asks_owner()
            };
            if self.rules.iter().enumerate().any(selects_all) {
                *select = 0;
            }
        }
        gate
    }

    /// The rules whose conditions on the owner hold for a cgroup.
    #[must_use]
    pub fn verdict(&self, cgroup: CgroupId, known: &Known) -> u32 {
        let event = bystander(cgroup, &known.path, &known.identity);
        let holds = |pushed: &Pushed| pushed.on_owner().all(|condition| condition.holds(&event));
        (0..).zip(&self.rules).fold(0, |verdict, (number, pushed)| verdict | u32::from(holds(pushed)) << number)
    }
}

impl Pushed {
    fn new(rule: &Rule, layer: Option<usize>) -> Self {
        let (mut kernel, mut is_exact) = (KernelRule::ANY, true);
        for condition in rule.conditions().iter().filter(|condition| !condition.is_of_owner()) {
            is_exact &= push(condition, &mut kernel);
        }
        Self { rule: rule.clone(), layer, kernel, is_exact }
    }

    fn on_owner(&self) -> impl Iterator<Item = &Condition> {
        self.rule.conditions().iter().filter(|condition| condition.is_of_owner())
    }

    fn asks_owner(&self) -> bool {
        self.on_owner().next().is_some()
    }
}

/// Adds what the kernel can test of a condition. Says whether that is all of it.
fn push(condition: &Condition, kernel: &mut KernelRule) -> bool {
    let test = &condition.test;
    match condition.field().map(|field| field.name) {
        Some("uid") => range(test, (&mut kernel.uid_from, &mut kernel.uid_to)),
        Some("local_port") => port(test, (&mut kernel.local_from, &mut kernel.local_to)),
        Some("peer_port") => port(test, (&mut kernel.peer_from, &mut kernel.peer_to)),
        Some("signal") => {
            let holding = forms::signals().filter(|(_, name)| test.holds(Value::text(name).as_ref()));
            kernel.signals = holding.fold(0, |set, (number, _)| set | 1 << (number - 1));
            true
        }
        Some("family") => set(test, &mut kernel.families, Family::ALL.map(|family| (family as u32, family.name()))),
        Some("protocol") => {
            set(test, &mut kernel.protocols, Protocol::ALL.map(|protocol| (protocol as u32, protocol.name())))
        }
        Some("old_state") => set(test, &mut kernel.old_states, STATES.map(|number| (number, state::name(number)))),
        Some("new_state") => set(test, &mut kernel.new_states, STATES.map(|number| (number, state::name(number)))),
        _ => false,
    }
}

/// Narrows a range to the numbers that pass a test. Says whether all that are left pass.
fn range<T: Copy + TryFrom<i128> + Into<i128>>(test: &Test, (from, to): (&mut T, &mut T)) -> bool {
    let (range, is_exact) = test.range((*from).into()..=(*to).into());
    // What is empty, or beyond the numbers that there are, stays as it is: too wide.
    let (Ok(first), Ok(last)) = (T::try_from(*range.start()), T::try_from(*range.end())) else { return false };
    (*from, *to) = (first, last);
    is_exact
}

/// Narrows a range of ports likewise, among which 0 stands for none.
fn port(test: &Test, (from, to): (&mut u16, &mut u16)) -> bool {
    *from = 1;
    let is_exact = range(test, (from, to));
    let begins = *from == 1;
    if test.holds(None) {
        *from = 0;
    }
    is_exact && (begins || *from != 0)
}

/// Narrows a set to the names that pass a test, which it can tell wholly.
fn set(test: &Test, set: &mut u32, names: impl IntoIterator<Item = (u32, &'static str)>) -> bool {
    *set = names
        .into_iter()
        .filter(|(_, name)| test.holds(Value::text(name).as_ref()))
        .fold(0, |set, (number, _)| set | 1 << number);
    true
}

/// An event of which only the owner matters.
pub(super) fn bystander(cgroup: CgroupId, path: &Arc<str>, identity: &Arc<Identity>) -> Event {
    Event {
        time: SystemTime::UNIX_EPOCH,
        cgroup,
        cgroup_path: Arc::clone(path),
        identity: Arc::clone(identity),
        users: None,
        weight: 1,
        listeners: 0,
        cpu: 0,
        process: None,
        details: Details::Exec(Exec::default()),
    }
}
