//! From a value as it is written to what it means.

use std::{net::IpAddr, ops::RangeInclusive};

use ipnet::IpNet;
use regex::{Regex, RegexBuilder};

use super::Alternative;
use crate::{
    closest::names,
    filter::{
        error::one_line,
        forms::{self, Form},
    },
};

/// How large a compiled expression may be.
const EXPRESSION_BYTES: usize = 1 << 20;

/// What a value without its negation means: alternatives of which each is enough. An error tells what is expected.
pub(super) fn alternatives(form: Form, text: &str) -> Result<Vec<Alternative>, String> {
    if text.is_empty() {
        return Ok(vec![Alternative::Nothing]);
    }
    match form {
        Form::Text | Form::Texts => Ok(vec![self::text(text)?]),
        Form::Number => Ok(vec![number(text)?]),
        Form::Decimal => Ok(vec![decimal(text)?]),
        Form::Flag => match text.parse() {
            Ok(flag) => Ok(vec![Alternative::Flag(flag)]),
            Err(_) => Err("`true` or `false`".to_owned()),
        },
        Form::Address => Ok(vec![network(text)?]),
        Form::Signal => signals(text),
        Form::Names(all) => {
            let all = all();
            let found = like(text, all.iter().copied(), |name| *name)?;
            if found.is_empty() { Err(names(text, all)) } else { Ok(found.into_iter().map(exactly).collect()) }
        }
        Form::Any => {
            let others = [number(text).ok(), text.parse().ok().map(Alternative::Flag), network(text).ok()];
            Ok(others.into_iter().flatten().chain([self::text(text)?]).collect())
        }
    }
}

/// A text, a pattern with `*` and `?`, or `~` and a regular expression.
fn text(text: &str) -> Result<Alternative, String> {
    if let Some(expression) = text.strip_prefix('~') {
        return expression_of(expression).map(Alternative::Like);
    }
    let (mut literal, mut pattern, mut is_pattern) = (String::new(), String::from("(?s)^"), false);
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        let wildcard = match character {
            '*' => Some(".*"),
            '?' => Some("."),
            _ => None,
        };
        if let Some(wildcard) = wildcard {
            is_pattern = true;
            pattern.push_str(wildcard);
            continue;
        }
        let character = if character == '\\' { rest.next().unwrap_or(character) } else { character };
        literal.push(character);
        pattern.push_str(&regex::escape(character.encode_utf8(&mut [0; 4])));
    }
    pattern.push('$');
    if text.find(['*', '?', '\\']) == text.len().checked_sub(1) && text.ends_with('*') {
        return Ok(Alternative::Begins(literal));
    }
    if is_pattern { expression_of(&pattern).map(Alternative::Like) } else { Ok(Alternative::Text(literal)) }
}

fn expression_of(expression: &str) -> Result<Regex, String> {
    RegexBuilder::new(expression).size_limit(EXPRESSION_BYTES).build().map_err(|error| {
        let reason = error.to_string();
        let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        format!("a regular expression behind `~`: {}", one_line(&reason))
    })
}

/// Those of some things whose name is like this.
fn like<T>(text: &str, all: impl Iterator<Item = T>, name: impl Fn(&T) -> &str) -> Result<Vec<T>, String> {
    let pattern = self::text(text)?;
    Ok(all
        .filter(|thing| match &pattern {
            Alternative::Like(pattern) => pattern.is_match(name(thing)),
            Alternative::Text(text) => text == name(thing),
            Alternative::Begins(begin) => name(thing).starts_with(begin.as_str()),
            _ => false,
        })
        .collect())
}

fn exactly(name: &str) -> Alternative {
    Alternative::Text(name.to_owned())
}

/// A signal by name, with or without `SIG`, by pattern or by number.
fn signals(text: &str) -> Result<Vec<Alternative>, String> {
    let found: Vec<_> = match text.parse::<u32>() {
        Ok(number) => forms::signals().filter(|(signal, _)| *signal == number).collect(),
        Err(_) => {
            let full = if text.starts_with(|first: char| first.is_ascii_uppercase()) && !text.starts_with("SIG") {
                format!("SIG{text}")
            } else {
                text.to_owned()
            };
            like(&full, forms::signals(), |(_, name)| name)?
        }
    };
    if found.is_empty() {
        return Err(format!("a signal's number or {}", names(text, forms::signals().map(|(_, name)| name))));
    }
    // Fields tell signals by name or by number.
    let by_number = |number| Alternative::Numbers(i128::from(number)..=i128::from(number));
    Ok(found.into_iter().flat_map(|(number, name)| [exactly(name), by_number(number)]).collect())
}

fn network(text: &str) -> Result<Alternative, String> {
    let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    let expected = "an address such as `10.0.0.1` or `fe80::1`, or a network such as `10.0.0.0/8`";
    network.map(Alternative::Network).map_err(|_| expected.to_owned())
}

/// The numbers that there are: those that have 64 bits, with a sign or without.
const NUMBERS: RangeInclusive<i128> = i64::MIN as i128..=u64::MAX as i128;

/// A number, a range `1..1023`, a comparison such as `>=1024`, or `&` and bits that must be set.
fn number(text: &str) -> Result<Alternative, String> {
    const EXPECTED: &str = "a number such as `7` or `0x1f`, a range such as `1..1023`, `<10`, `<=10`, `>10` or `>=10`, or `&` \
        and bits that must be set, such as `&0x6`";
    let alternative = match text.strip_prefix('&') {
        Some(bits) => whole(bits).map(Alternative::Bits),
        None => range(text, whole, NUMBERS, |bound| Some(bound - 1), |bound| Some(bound + 1)).map(Alternative::Numbers),
    };
    alternative.ok_or_else(|| EXPECTED.to_owned())
}

fn decimal(text: &str) -> Result<Alternative, String> {
    const EXPECTED: &str = "a number such as `0.5`, a range such as `0.5..2`, `<1`, `<=1`, `>1` or `>=1`";
    let finite = |text: &str| text.trim().parse().ok().filter(|number: &f64| number.is_finite());
    range(text, finite, f64::MIN..=f64::MAX, |bound| Some(bound.next_down()), |bound| Some(bound.next_up()))
        .map(Alternative::Decimals)
        .ok_or_else(|| EXPECTED.to_owned())
}

/// A whole number, decimal or with `0x`.
fn whole(text: &str) -> Option<i128> {
    let text = text.trim();
    let number = match text.strip_prefix("0x") {
        Some(digits) => i128::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    };
    number.filter(|number| NUMBERS.contains(number))
}

/// A range in a text, within `all`.
fn range<T: Copy + PartialOrd>(
    text: &str,
    number: impl Fn(&str) -> Option<T>,
    all: RangeInclusive<T>,
    below: impl Fn(T) -> Option<T>,
    above: impl Fn(T) -> Option<T>,
) -> Option<RangeInclusive<T>> {
    let (first, last) = (*all.start(), *all.end());
    let range = if let Some(bound) = text.strip_prefix(">=") {
        number(bound)?..=last
    } else if let Some(bound) = text.strip_prefix("<=") {
        first..=number(bound)?
    } else if let Some(bound) = text.strip_prefix('>') {
        above(number(bound)?)?..=last
    } else if let Some(bound) = text.strip_prefix('<') {
        first..=below(number(bound)?)?
    } else if let Some((from, to)) = text.split_once("..") {
        number(from)?..=number(to)?
    } else {
        number(text)?..=number(text)?
    };
    (!range.is_empty()).then_some(range)
}
