//! The variables that OpenTelemetry defines for every program.

use std::{borrow::Cow, collections::BTreeMap, time::Duration};

use super::Signal;
use crate::config::error::Error;

const PREFIX: &str = "OTEL_";

/// The standard variables that are set. An empty one is not.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Standard(BTreeMap<String, String>);

/// A value as it was written, and where.
#[derive(Clone, Debug)]
pub(super) struct Setting<'a> {
    /// The key of ours, or the variable.
    pub(super) key: Cow<'a, str>,
    /// What was written there.
    pub(super) text: &'a str,
    /// Who says so.
    pub(super) origin: Origin,
}

/// Who says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The configuration.
    Ours,
    /// A standard variable for everything that is sent.
    General,
    /// A standard variable for logs or metrics alone.
    Specific,
}

impl Standard {
    /// Picks the variables out of an environment.
    pub(in super::super) fn of(environment: &[(String, String)]) -> Self {
        let standard = environment.iter().filter(|(name, value)| name.starts_with(PREFIX) && !value.trim().is_empty());
        Self(standard.map(|(name, value)| (name.clone(), value.trim().to_owned())).collect())
    }

    /// What is set, by us or else by this variable.
    pub(super) fn or<'a>(&'a self, key: &'a str, ours: &'a str, variable: &'a str) -> Option<Setting<'a>> {
        let ours = (!ours.is_empty()).then_some(Setting { key: Cow::Borrowed(key), text: ours, origin: Origin::Ours });
        ours.or_else(|| self.variable(variable.into(), Origin::General))
    }

    /// What is set for a connection: by us, by the signal's variable, or by the one for all signals.
    pub(super) fn of_connection<'a>(
        &'a self,
        signal: Signal,
        key: &'a str,
        ours: &'a str,
        name: &str,
    ) -> Option<Setting<'a>> {
        let ours = (!ours.is_empty()).then_some(Setting { key: Cow::Borrowed(key), text: ours, origin: Origin::Ours });
        let specific = format!("OTEL_EXPORTER_OTLP_{}_{name}", signal.variable());
        ours.or_else(|| self.variable(specific.into(), Origin::Specific))
            .or_else(|| self.variable(format!("OTEL_EXPORTER_OTLP_{name}").into(), Origin::General))
    }

    fn variable<'a>(&'a self, key: Cow<'a, str>, origin: Origin) -> Option<Setting<'a>> {
        self.0.get(&*key).map(|text| Setting { key, text, origin })
    }
}

impl Setting<'_> {
    /// The refusal of the value.
    pub(super) fn refused(&self, expected: impl ToString) -> Error {
        Error::value(&self.key, self.text, expected)
    }

    /// A switch. The standard has every other text mean `false`; here it is refused.
    pub(super) fn switch(&self) -> Result<bool, Error> {
        self.text.to_ascii_lowercase().parse().map_err(|_| self.refused("`true` or `false`"))
    }

    /// A duration: with a unit in the configuration, in milliseconds in a variable.
    pub(super) fn duration(&self) -> Result<Duration, Error> {
        match self.origin {
            Origin::Ours => humantime::parse_duration(self.text)
                .map_err(|_| self.refused("a duration such as `500ms`, `1s` or `5m`")),
            Origin::General | Origin::Specific => {
                self.text.parse().map(Duration::from_millis).map_err(|_| self.refused("a number of milliseconds"))
            }
        }
    }

    /// A number from 1 on.
    pub(super) fn count(&self) -> Result<usize, Error> {
        self.text.parse().ok().filter(|count| *count > 0).ok_or_else(|| self.refused("a number from `1` on"))
    }

    /// Pairs of a variable, `a=b,c=d`, in which bytes may be written as `%20`.
    pub(super) fn pairs(&self) -> Result<Vec<(String, String)>, Error> {
        let pairs = self.text.split(',').filter(|pair| !pair.trim().is_empty());
        pairs.map(|text| decoded(text).ok_or_else(|| self.refused("pairs such as `name=value,other=value`"))).collect()
    }
}

/// A pair with the bytes that are written as `%20`.
fn decoded(pair: &str) -> Option<(String, String)> {
    let (name, value) = pair.split_once('=')?;
    let (name, value) = (percent(name.trim())?, percent(value.trim())?);
    (!name.is_empty()).then_some((name, value))
}

fn percent(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut parts = text.split('%');
    bytes.extend_from_slice(parts.next()?.as_bytes());
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}
