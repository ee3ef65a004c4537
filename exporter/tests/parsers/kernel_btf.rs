//! The kernel's type information.

use doubleslit::bpf::btf::KernelBtf;
use doubleslit_common::{kernel_fields, optional_arguments};

macro_rules! fields {
    ($($symbol:ident: $structure:literal $path:literal $size:literal;)*) => { [$(($structure, $path)),*] };
}

macro_rules! tracepoints {
    ($($symbol:ident: $tracepoint:literal $position:literal;)*) => { [$($tracepoint),*] };
}

/// What must hold for every file: each question that the exporter asks has an answer.
pub(crate) fn check(bytes: &[u8]) {
    let Ok(btf) = KernelBtf::parse(bytes.to_vec()) else { return };
    for (structure, path) in kernel_fields!(fields) {
        if let Some(field) = btf.field(structure, path) {
            assert!(field.offset.checked_add(field.size).is_some(), "{structure}.{path}: {field:?}");
        }
    }
    for tracepoint in optional_arguments!(tracepoints) {
        assert!(btf.tracepoint_arguments(tracepoint).is_none_or(|arguments| arguments < 1 << 16), "{tracepoint}");
    }
}
