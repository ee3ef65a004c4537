//! The running kernel's layout, as far as programs depend on it.

use std::collections::BTreeMap;

use doubleslit_common::{kernel_fields, layout::ABSENT, optional_arguments};

use super::btf::KernelBtf;
use crate::probes::{Probe, Program};

struct FieldRequest {
    symbol: &'static str,
    structure: &'static str,
    path: &'static str,
    size: u32,
}

struct ArgumentRequest {
    symbol: &'static str,
    tracepoint: &'static str,
    position: usize,
}

macro_rules! field_requests {
    ($($symbol:ident: $structure:literal $path:literal $size:literal;)+) => {
        &[$(FieldRequest { symbol: stringify!($symbol), structure: $structure, path: $path, size: $size }),+]
    };
}

macro_rules! argument_requests {
    ($($symbol:ident: $tracepoint:literal $position:literal;)+) => {
        &[$(ArgumentRequest { symbol: stringify!($symbol), tracepoint: $tracepoint, position: $position }),+]
    };
}

static FIELDS: &[FieldRequest] = kernel_fields!(field_requests);
static ARGUMENTS: &[ArgumentRequest] = optional_arguments!(argument_requests);

/// Values for the object's constants, by symbol.
#[derive(Debug)]
pub struct Layout {
    fields: BTreeMap<&'static str, u32>,
    arguments: BTreeMap<&'static str, u32>,
    tracepoints: BTreeMap<&'static str, bool>,
}

impl Layout {
    /// Looks up every field, argument and tracepoint that the probes name.
    #[must_use]
    pub fn resolve(btf: &KernelBtf, probes: &[&'static Probe]) -> Self {
        let field = |request: &FieldRequest| {
            let found = btf
                .field(request.structure, request.path)
                .filter(|field| request.size == 0 || field.size == request.size);
            (request.symbol, found.map_or(ABSENT, |field| field.offset))
        };
        let argument = |request: &ArgumentRequest| {
            let passed = btf.tracepoint_arguments(request.tracepoint).unwrap_or(0);
            (request.symbol, u32::from(passed > request.position))
        };
        let tracepoint =
            |program: &Program| (program.tracepoint, btf.tracepoint_arguments(program.tracepoint).is_some());
        Self {
            fields: FIELDS.iter().map(field).collect(),
            arguments: ARGUMENTS.iter().map(argument).collect(),
            tracepoints: probes
                .iter()
                .flat_map(|probe| probe.programs.iter().chain(probe.events))
                .map(tracepoint)
                .collect(),
        }
    }

    /// The constants to write into the object.
    pub fn constants(&self) -> impl Iterator<Item = (&'static str, &u32)> {
        self.fields.iter().chain(&self.arguments).map(|(symbol, value)| (*symbol, value))
    }

    /// What this kernel lacks for a program, in words; nothing when it lacks nothing.
    #[must_use]
    pub fn missing(&self, program: &Program) -> Option<String> {
        // A program of tracepoints that are named elsewhere needs none.
        if !program.tracepoint.is_empty() && self.tracepoints.get(program.tracepoint) != Some(&true) {
            return Some(format!("this kernel has no tracepoint `{}`", program.tracepoint));
        }
        for symbol in program.fields.iter().chain(program.describes.iter().copied().flatten()) {
            if self.fields.get(symbol).copied().unwrap_or(ABSENT) == ABSENT {
                let request = FIELDS.iter().find(|request| request.symbol == *symbol);
                let name =
                    request.map_or_else(|| (*symbol).to_owned(), |field| format!("{}.{}", field.structure, field.path));
                return Some(format!("this kernel has no field `{name}` of the expected size"));
            }
        }
        for symbol in program.arguments {
            if self.arguments.get(symbol).copied().unwrap_or(0) == 0 {
                return Some(format!("this kernel's tracepoint `{}` does not pass what is needed", program.tracepoint));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::{PROBES, tracepoint};

    #[test]
    fn programs_name_known_symbols_only() {
        let of_probes = PROBES.iter().flat_map(|probe| probe.programs.iter().chain(probe.events));
        for program in of_probes.chain([&tracepoint::PROGRAM, &tracepoint::EVENT_PROGRAM]) {
            for symbol in program.fields.iter().chain(program.describes.iter().copied().flatten()) {
                assert!(FIELDS.iter().any(|field| field.symbol == *symbol), "`{symbol}` is not in kernel_fields!");
            }
            for symbol in program.arguments {
                assert!(ARGUMENTS.iter().any(|argument| argument.symbol == *symbol), "`{symbol}` is unknown");
            }
        }
    }
}
