//! Rules for events within a trace: each one text, or fields with a value or a list of values.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serializer};

use crate::filter::WrittenRule;

pub(super) fn serialize<S: Serializer>(rules: &[WrittenRule], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(rules.iter().map(ToString::to_string))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<WrittenRule>, D::Error> {
    Ok(Vec::<Rule>::deserialize(deserializer)?.into_iter().map(|Rule(rule)| rule).collect())
}

#[derive(Deserialize)]
#[serde(try_from = "Written")]
struct Rule(WrittenRule);

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a rule such as `event=exec,comm=nginx*`, or fields and values")]
enum Written {
    Text(String),
    Fields(BTreeMap<String, Values>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Values {
    One(Scalar),
    Several(Vec<Scalar>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Text(String),
    Flag(bool),
    Number(serde_json::Number),
}

impl TryFrom<Written> for Rule {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let values = |values| match values {
            Values::One(scalar) => vec![scalar.into()],
            Values::Several(scalars) => scalars.into_iter().map(String::from).collect(),
        };
        match written {
            Written::Text(text) => WrittenRule::parse(&text, "the trace").map(Self).map_err(|error| error.to_string()),
            Written::Fields(fields) => {
                let fields = fields.into_iter().map(|(field, written)| (field, values(written)));
                Ok(Self(WrittenRule(fields.collect())))
            }
        }
    }
}

impl From<Scalar> for String {
    fn from(scalar: Scalar) -> Self {
        match scalar {
            Scalar::Text(text) => text,
            Scalar::Flag(flag) => flag.to_string(),
            Scalar::Number(number) => number.to_string(),
        }
    }
}
