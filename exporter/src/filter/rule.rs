//! One rule, compiled.

use doubleslit_common::kind::Kind;

use super::{
    error::{FilterError, Place},
    forms::{self, Form},
    test::Test,
    written::WrittenRule,
};
use crate::{
    closest,
    events::{
        event::Event,
        fields::{self, Field, KINDS, Value},
    },
};

/// The field for the kind of an event.
const EVENT: &str = "event";
/// What begins the fields for labels.
const CONTAINER_LABEL: &str = "container_label.";
const POD_LABEL: &str = "pod_label.";

/// Conditions that must all hold.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    /// The kinds that can match, a bit for each number.
    kinds: u32,
    conditions: Vec<Condition>,
}

/// What one field must be.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    subject: Subject,
    pub(super) test: Test,
}

/// What a condition looks at.
#[derive(Clone, Debug)]
enum Subject {
    Field(&'static Field),
    /// One of the pairs that a field consists of, by its name.
    Part(&'static Field, String),
    ContainerLabel(String),
    PodLabel(String),
}

impl Rule {
    /// The rule in a list of this name.
    pub(super) fn compile(written: &WrittenRule, list: &str) -> Result<Self, FilterError> {
        let place = Place { list, rule: written };
        if written.0.is_empty() || written.0.values().any(Vec::is_empty) {
            return Err(place.empty());
        }
        let mut rule = Self { kinds: bits(KINDS), conditions: Vec::new() };
        for (name, values) in &written.0 {
            if name == EVENT {
                rule.kinds &= kinds(values).map_err(|(value, expected)| place.value(name, &value, expected))?;
                continue;
            }
            let subject = Subject::named(name).map_err(|expected| place.field(name, expected))?;
            let test = Test::parse(subject.form(), values);
            let test = test.map_err(|(value, expected)| place.value(name, &value, expected))?;
            rule.kinds &= subject.kinds();
            rule.conditions.push(Condition { subject, test });
        }
        // What is soon answered is asked first.
        rule.conditions.sort_by_key(|condition| condition.test.is_slow());
        if rule.kinds == 0 { Err(place.never()) } else { Ok(rule) }
    }

    /// Whether an event of this kind can match.
    pub(super) fn concerns(&self, kind: Kind) -> bool {
        self.kinds >> kind as u32 & 1 == 1
    }

    pub(super) fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    /// The field that is looked at first, if one is.
    pub(super) fn first_field(&self) -> Option<&'static Field> {
        self.conditions.first()?.field()
    }

    /// Whether this matches an event, of which [`Self::first_field`] is this.
    pub(super) fn matches(&self, event: &Event, first: Option<&Value<'_>>) -> bool {
        let Some((condition, others)) = self.conditions.split_first() else { return self.concerns(event.kind()) };
        self.concerns(event.kind())
            && (if condition.field().is_some() { condition.test.holds(first) } else { condition.holds(event) })
            && others.iter().all(|condition| condition.holds(event))
    }
}

impl Condition {
    pub(super) fn holds(&self, event: &Event) -> bool {
        match &self.subject {
            Subject::Field(field) => self.test.holds((field.value)(event).as_ref()),
            Subject::Part(field, name) => {
                let pairs = (field.value)(event);
                self.test.holds(pairs.as_ref().and_then(|pairs| pairs.part(name)))
            }
            Subject::ContainerLabel(key) => self.holds_for(event.identity.container_labels.get(key)),
            Subject::PodLabel(key) => self.holds_for(event.identity.pod_labels.get(key)),
        }
    }

    fn holds_for(&self, label: Option<&String>) -> bool {
        self.test.holds(label.and_then(|label| Value::text(label)).as_ref())
    }

    /// Its field; nothing for a label or a part of a field.
    pub(super) fn field(&self) -> Option<&'static Field> {
        match &self.subject {
            Subject::Field(field) => Some(field),
            Subject::Part(..) | Subject::ContainerLabel(_) | Subject::PodLabel(_) => None,
        }
    }

    /// Whether only the owner of an event decides it.
    pub(super) fn is_of_owner(&self) -> bool {
        self.subject.is_of_owner()
    }
}

impl Subject {
    /// The subject with this name, or what there is instead.
    fn named(name: &str) -> Result<Self, String> {
        let label = |prefix| name.strip_prefix(prefix).filter(|key: &&str| !key.is_empty()).map(str::to_owned);
        if let Some(key) = label(CONTAINER_LABEL) {
            return Ok(Self::ContainerLabel(key));
        }
        if let Some(key) = label(POD_LABEL) {
            return Ok(Self::PodLabel(key));
        }
        let field = |name: &str| fields::all().find(|field| field.name == name);
        let part = |name: &str| {
            let (field, part) = name.split_once('.').and_then(|(name, part)| Some((field(name)?, part)))?;
            matches!(forms::form(field), Form::Any).then(|| Self::Part(field, part.to_owned()))
        };
        field(name).map(Self::Field).or_else(|| part(name)).ok_or_else(|| {
            let others = [EVENT, "container_label.<key>", "pod_label.<key>"];
            closest::names(name, fields::all().map(|field| field.name).chain(others))
        })
    }

    fn form(&self) -> Form {
        match self {
            Self::Field(field) => forms::form(field),
            Self::Part(..) => Form::Any,
            Self::ContainerLabel(_) | Self::PodLabel(_) => Form::Text,
        }
    }

    fn is_of_owner(&self) -> bool {
        match self {
            Self::Field(field) => forms::is_of_owner(field),
            Self::Part(..) => false,
            Self::ContainerLabel(_) | Self::PodLabel(_) => true,
        }
    }

    fn kinds(&self) -> u32 {
        match self {
            Self::Field(field) | Self::Part(field, _) => bits(field.kinds),
            Self::ContainerLabel(_) | Self::PodLabel(_) => u32::MAX,
        }
    }
}

/// Whether only the owner of an event decides what this names; if not, what there is instead.
pub(super) fn of_owner(name: &str) -> Result<(), String> {
    let is_of_owner = Subject::named(name).is_ok_and(|subject| subject.is_of_owner());
    let labels = ["container_label.<key>", "pod_label.<key>"];
    if is_of_owner { Ok(()) } else { Err(closest::names(name, forms::OF_OWNER.iter().copied().chain(labels))) }
}

/// The kinds that values of the field `event` let pass, or a value that does not fit and what fits.
pub(super) fn kinds(values: &[String]) -> Result<u32, (String, String)> {
    let (mut any, mut none) = (0, 0);
    for value in values {
        let (bits, name) = match value.trim().strip_prefix('!') {
            Some(name) => (&mut none, name),
            None => (&mut any, value.trim()),
        };
        let named = named(name);
        if named == 0 {
            return Err((value.clone(), closest::names(name, KINDS.iter().map(|kind| kind.name()))));
        }
        *bits |= named;
    }
    Ok(if any == 0 { !none } else { any & !none })
}

/// The kinds with a name: one, or those whose names begin with it, as `signal` is `signal_generate` and `signal_deliver`.
fn named(name: &str) -> u32 {
    let has_name = |kind: &Kind| {
        kind.name()
            .strip_prefix(name)
            .is_some_and(|rest| rest.is_empty() || (rest.starts_with('_') && !name.is_empty()))
    };
    KINDS.iter().filter(|kind| has_name(kind)).fold(0, |bits, kind| bits | 1 << *kind as u32)
}

fn bits(kinds: &[Kind]) -> u32 {
    kinds.iter().fold(0, |bits, kind| bits | 1 << *kind as u32)
}
