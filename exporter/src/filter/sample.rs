//! How many of the events that pass are sent.

use std::collections::BTreeMap;

use doubleslit_common::{event::Gate, kind::Kind};

use super::{
    error::{FilterError, Place},
    rule,
    written::WrittenRule,
};
use crate::{closest, events::fields::KINDS};

/// How many of the events of a kind are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sample {
    /// One in so many; 1 is all.
    OneIn(u32),
    /// So many a second of each container, at most.
    PerSecond(u32),
}

/// How many events of each kind are sent. The default is all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sampling(BTreeMap<Kind, Sample>);

impl Sampling {
    /// Adds a rule, which stands in a list of this name: `event` and either `one_in` or `per_second`. It replaces what earlier
    /// ones say of its kinds.
    ///
    /// # Errors
    ///
    /// When it makes no sense.
    pub fn add(&mut self, written: &WrittenRule, list: &str) -> Result<(), FilterError> {
        let place = Place { list, rule: written };
        let (mut kinds, mut sample) = (u32::MAX, None);
        for (key, values) in &written.0 {
            let number = || match values.as_slice() {
                [value] => value
                    .trim()
                    .parse()
                    .ok()
                    .filter(|number| *number > 0)
                    .ok_or_else(|| place.value(key, value, format!("a number from `1` to `{}`", u32::MAX))),
                _ => Err(place.value(key, &values.join(","), "one number".to_owned())),
            };
            let next = match key.as_str() {
                "event" => {
                    kinds = rule::kinds(values).map_err(|(value, expected)| place.value(key, &value, expected))?;
                    continue;
                }
                "one_in" => Sample::OneIn(number()?),
                "per_second" => Sample::PerSecond(number()?),
                other => return Err(place.field(other, closest::names(other, ["event", "one_in", "per_second"]))),
            };
            if sample.replace(next).is_some() {
                return Err(place.field(key, "either `one_in` or `per_second`".to_owned()));
            }
        }
        let sample = sample.ok_or_else(|| place.field("one_in", "either `one_in` or `per_second`".to_owned()))?;
        let concerned = KINDS.iter().filter(|kind| kinds >> **kind as u32 & 1 == 1);
        self.0.extend(concerned.map(|kind| (*kind, sample)));
        Ok(())
    }

    /// The gate of a kind for these listeners, without any rule.
    #[must_use]
    pub fn gate(&self, kind: Kind, listeners: u32) -> Gate {
        let gate = Gate::open(listeners);
        match self.0.get(&kind) {
            Some(Sample::OneIn(one_in)) => Gate { one_in: *one_in, ..gate },
            Some(Sample::PerSecond(per_second)) => Gate { per_second: *per_second, ..gate },
            None => gate,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampling(rules: &[&str]) -> Result<Sampling, String> {
        let mut sampling = Sampling::default();
        for rule in rules {
            let written = WrittenRule::parse(rule, "sample").map_err(|error| error.to_string())?;
            sampling.add(&written, "sample").map_err(|error| error.to_string())?;
        }
        Ok(sampling)
    }

    #[test]
    fn the_last_rule_of_a_kind_counts() {
        let gate = |rules| sampling(rules).expect("valid").gate(Kind::Exec, 1);
        assert_eq!(gate(&[]), Gate::open(1));
        assert_eq!(gate(&["one_in=10"]), Gate { one_in: 10, ..Gate::open(1) });
        assert_eq!(gate(&["one_in=10", "event=exec,per_second=5"]), Gate { per_second: 5, ..Gate::open(1) });
        assert_eq!(gate(&["per_second=5", "event=exec,one_in=1"]), Gate::open(1));
    }

    #[test]
    fn rules_are_refused() {
        for (rule, expected) in [
            (
                "one_in=0",
                "invalid value `0` for `one_in` in rule `one_in=0` of `sample`: expected a number from `1` to `4294967295`",
            ),
            (
                "one_in=1,one_in=2",
                "invalid value `1,2` for `one_in` in rule `one_in=1,one_in=2` of `sample`: expected one number",
            ),
            (
                "event=exec",
                "no field `one_in` in rule `event=exec` of `sample`: expected either `one_in` or `per_second`",
            ),
            (
                "one_in=1,per_second=1",
                "no field `per_second` in rule `one_in=1,per_second=1` of `sample`: expected either `one_in` or `per_second`",
            ),
            (
                "every=1",
                "no field `every` in rule `every=1` of `sample`: expected one of `event`, `one_in`, `per_second`",
            ),
        ] {
            assert_eq!(sampling(&[rule]), Err(expected.to_owned()));
        }
    }
}
