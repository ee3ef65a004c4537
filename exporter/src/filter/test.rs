//! What the value of a field is tested for.

mod parse;

use std::{net::IpAddr, ops::RangeInclusive};

use ipnet::IpNet;
use regex::Regex;

use super::forms::Form;
use crate::events::fields::Value;

/// What a value must be: one of some alternatives, if there are any, and none of some others.
#[derive(Clone, Debug, Default)]
pub(super) struct Test {
    any: Vec<Alternative>,
    none: Vec<Alternative>,
}

/// One thing that a value can be.
#[derive(Clone, Debug)]
enum Alternative {
    /// Not there.
    Nothing,
    /// This text.
    Text(String),
    /// A text that begins so.
    Begins(String),
    /// A text like this.
    Like(Regex),
    /// A number from and to.
    Numbers(RangeInclusive<i128>),
    /// A number that need not be whole, from and to.
    Decimals(RangeInclusive<f64>),
    /// A number with all of these bits.
    Bits(i128),
    /// Yes or no.
    Flag(bool),
    /// An address in this network.
    Network(IpNet),
}

impl Test {
    /// The test of a field of this form for values as they are written. An error is a value that does not fit, and what fits.
    pub(super) fn parse(form: Form, written: &[String]) -> Result<Self, (String, String)> {
        let mut test = Self::default();
        for value in written {
            let (list, text) = match value.trim().strip_prefix('!') {
                Some(negated) => (&mut test.none, negated),
                None => (&mut test.any, value.trim()),
            };
            let alternatives = parse::alternatives(form, text).map_err(|expected| (value.clone(), expected))?;
            list.extend(alternatives);
        }
        Ok(test)
    }

    /// Whether it takes longer than a comparison.
    pub(super) fn is_slow(&self) -> bool {
        let is_slow = |alternative: &Alternative| matches!(alternative, Alternative::Like(_) | Alternative::Network(_));
        self.any.iter().chain(&self.none).any(is_slow)
    }

    /// Whether a value is what this asks for.
    pub(super) fn holds(&self, value: Option<&Value<'_>>) -> bool {
        let is_any = |alternatives: &[Alternative]| alternatives.iter().any(|alternative| alternative.is(value));
        (self.any.is_empty() || is_any(&self.any)) && !is_any(&self.none)
    }

    /// The smallest range with all numbers of `domain` that this lets pass, and whether it lets all of the range pass.
    pub(super) fn range(&self, domain: RangeInclusive<i128>) -> (RangeInclusive<i128>, bool) {
        let (mut from, mut to) = domain.into_inner();
        let numbers = |alternative: &Alternative| match alternative {
            Alternative::Numbers(range) => Some(range.clone().into_inner()),
            _ => None,
        };
        let any: Option<Vec<_>> = self.any.iter().map(numbers).collect();
        let mut is_exact = self.any.len() <= 1;
        match any.as_deref() {
            Some([]) => {}
            Some(ranges) => {
                from = ranges.iter().map(|(first, _)| *first).fold(i128::MAX, i128::min).max(from);
                to = ranges.iter().map(|(_, last)| *last).fold(i128::MIN, i128::max).min(to);
            }
            None => is_exact = false,
        }
        for alternative in &self.none {
            match numbers(alternative) {
                Some((first, last)) if first <= from && last >= from => from = last.saturating_add(1),
                Some((first, last)) if last >= to && first <= to => to = first.saturating_sub(1),
                Some((first, last)) if first > to || last < from => {}
                _ => is_exact = false,
            }
        }
        (from..=to, is_exact)
    }
}

impl Alternative {
    fn is(&self, value: Option<&Value<'_>>) -> bool {
        let Some(value) = value else { return matches!(self, Self::Nothing) };
        match (self, value) {
            (Self::Text(expected), Value::Text(text)) => expected == text,
            (Self::Text(expected), Value::Texts(texts)) => texts.contains(expected),
            (Self::Begins(begin), Value::Text(text)) => text.starts_with(begin.as_str()),
            (Self::Begins(begin), Value::Texts(texts)) => texts.iter().any(|text| text.starts_with(begin.as_str())),
            (Self::Like(pattern), Value::Text(text)) => pattern.is_match(text),
            (Self::Like(pattern), Value::Texts(texts)) => texts.iter().any(|text| pattern.is_match(text)),
            (Self::Numbers(range), Value::Number(number)) => range.contains(number),
            (Self::Decimals(range), Value::Decimal(number)) => range.contains(number),
            (Self::Bits(bits), Value::Number(number)) => number & bits == *bits,
            (Self::Flag(expected), Value::Flag(flag)) => expected == flag,
            (_, Value::Pairs(pairs)) => pairs.iter().any(|(_, value)| self.is(Some(value))),
            (Self::Network(network), Value::Text(text)) => {
                text.parse::<IpAddr>().is_ok_and(|address| network.contains(&address))
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests;
