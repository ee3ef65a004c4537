//! Numbers and sets of bits with names.

use super::decoded::Decoded;

/// A number and its name.
pub(super) type Named = (u64, &'static str);

/// Names of constants of the crate libc, which has those of the machine; with a value, those that it has not for every C library.
macro_rules! named {
    ($($name:ident $(= $value:literal)?),+ $(,)?) => {
        &[$(($crate::events::syscalls::names::named!(@ $name $($value)?), stringify!($name))),+]
    };
    (@ $name:ident) => {
        libc::$name as u64
    };
    (@ $name:ident $value:literal) => {
        $value
    };
}

pub(super) use named;

/// A set of bits.
#[derive(Debug)]
pub(super) struct Flags {
    /// Bits that are one number together, and the names of its values.
    pub(super) choice: (u64, &'static [Named]),
    /// The others. One that has the bits of others comes before them.
    pub(super) flags: &'static [Named],
}

impl Flags {
    /// A set of bits only.
    pub(super) const fn of(flags: &'static [Named]) -> Self {
        Self { choice: (0, &[]), flags }
    }

    /// The names of what is set; what has no name comes last, as one number.
    pub(super) fn names(&self, value: u64) -> Vec<String> {
        let (mask, choices) = self.choice;
        let mut names = Vec::new();
        let mut rest = value;
        if let Some((_, name)) = choices.iter().find(|(choice, _)| *choice == value & mask) {
            names.push((*name).to_owned());
            rest &= !mask;
        }
        for (flag, name) in self.flags {
            if *flag != 0 && rest & flag == *flag {
                names.push((*name).to_owned());
                rest &= !flag;
            }
        }
        if rest != 0 {
            names.push(format!("{rest:#x}"));
        }
        names
    }
}

/// The name of a number; the number where it has none.
pub(super) fn one(names: &[Named], value: u64) -> Decoded {
    names
        .iter()
        .find(|(number, _)| *number == value)
        .map_or_else(|| Decoded::hex(value), |(_, name)| Decoded::text(*name))
}

/// The value of names, as [`Flags::names`] makes them.
#[cfg(test)]
pub(super) fn encode(flags: &Flags, names: &[String]) -> u64 {
    let known = |name: &str| {
        let found = flags.choice.1.iter().chain(flags.flags).find(|(_, known)| *known == name);
        found.map(|(value, _)| *value)
    };
    let hex = |name: &str| name.strip_prefix("0x").and_then(|digits| u64::from_str_radix(digits, 16).ok());
    names
        .iter()
        .map(|name| known(name).or_else(|| hex(name)).expect("a name or a number"))
        .fold(0, |all, one| all | one)
}
