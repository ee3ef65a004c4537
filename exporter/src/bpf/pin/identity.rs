//! What a set is told apart from others by: everything that the programs which count, and their maps, are made of.

use doubleslit_common::probes::tracepoint::Splits;

use crate::bpf::ledger;

/// What programs and maps are made of, beside the object.
#[derive(Clone, Debug)]
pub(in crate::bpf) struct Asked<'a> {
    /// The machine's possible CPUs.
    pub(in crate::bpf) cpus: usize,
    /// The constants of the kernel's layout.
    pub(in crate::bpf) layout: Vec<(&'static str, u32)>,
    /// What is done with each system call.
    pub(in crate::bpf) calls: &'a [u8],
    /// The other constants about them.
    pub(in crate::bpf) calls_are: [(&'static str, u32); 3],
    /// The capacities of the maps.
    pub(in crate::bpf) capacities: Vec<(&'static str, u32)>,
    /// The tracepoints whose hits are counted: the kernel's numbers for them, and by what hits are split.
    pub(in crate::bpf) tracepoints: Vec<(u32, Splits)>,
}

/// The name of the set that an object and this make.
pub(in crate::bpf) fn identity(object: &[u8], asked: &Asked<'_>) -> String {
    let Asked { cpus, layout, calls, calls_are, capacities, tracepoints } = asked;
    let ledger = ledger::LAYOUT;
    let text = format!("{ledger} {cpus} {layout:?} {calls:?} {calls_are:?} {capacities:?} {tracepoints:?}");
    format!("{:016x}", hash(hash(BASIS, object), text.as_bytes()))
}

const BASIS: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a: nobody is to be kept from finding another text with the same hash, and it is the same in every version.
fn hash(basis: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(basis, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Asked<'static> {
        Asked {
            cpus: 2,
            layout: vec![("TASK_PID", 8)],
            calls: &[0, 1],
            calls_are: [("SYSCALL_TIME", 0); 3],
            capacities: vec![("COUNTS", 64)],
            tracepoints: Vec::new(),
        }
    }

    #[test]
    fn whatever_differs_has_another_name() {
        let same = identity(b"object", &asked());
        assert_eq!(same, identity(b"object", &asked()));
        assert_eq!(same.len(), 16);
        let others = [
            identity(b"other", &asked()),
            identity(b"object", &Asked { cpus: 4, ..asked() }),
            identity(b"object", &Asked { layout: vec![("TASK_PID", 16)], ..asked() }),
            identity(b"object", &Asked { calls: &[0, 3], ..asked() }),
            identity(b"object", &Asked { calls_are: [("SYSCALL_TIME", 1); 3], ..asked() }),
            identity(b"object", &Asked { capacities: vec![("COUNTS", 65)], ..asked() }),
        ];
        assert!(!others.contains(&same));
    }

    #[test]
    fn the_hash_is_the_one_that_is_known() {
        // http://www.isthe.com/chongo/src/fnv/test_fnv.c
        assert_eq!(hash(BASIS, b"foobar"), 0x8594_4171_f739_67e8);
    }
}
