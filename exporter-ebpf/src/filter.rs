//! Keeps events out that nobody asked for, as far as the kernel can tell.

use aya_ebpf::{
    bindings::BPF_F_NO_PREALLOC,
    macros::map,
    maps::{Array, HashMap, PerCpuArray},
};
use doubleslit_common::{
    event::Gate,
    filter::{Facts, RULES_MAX, Rule},
    kind::Kind,
};

/// The rules. Userspace writes them before anything is attached.
#[map]
static RULES: Array<Rule> = Array::with_max_entries(RULES_MAX as u32, 0);

/// Of each cgroup whose owner is known, the rules whose condition on the owner holds. Userspace writes it as containers come
/// and go, and sets the capacity.
#[map]
static VERDICTS: HashMap<u64, u32> = HashMap::with_max_entries(1, BPF_F_NO_PREALLOC);

/// The rules that match the event that is being decided on, by kind. It is here because the verifier does not follow what is
/// in a map: it would look at each of the sets of rules that can match.
#[map]
static MATCHED: PerCpuArray<u32> = PerCpuArray::with_max_entries(Kind::COUNT as u32, 0);

/// Whether an event passes.
#[inline(always)]
pub fn passes(gate: &Gate, kind: Kind, cgroup: u64, facts: &Facts) -> bool {
    let rules = gate.rules();
    if rules == 0 {
        return true;
    }
    let holds = if rules & gate.asks_owner == 0 { None } else { verdict(cgroup) };
    let candidates = gate.candidates(holds);
    let Some(matched) = MATCHED.get_ptr_mut(kind as u32) else { return true };
    // SAFETY: the pointer is this CPU's element of the array, and only this kind's program uses it.
    unsafe { matched.write_volatile(0) };
    for number in 0..RULES_MAX as u32 {
        let rest = candidates >> number;
        if rest == 0 {
            break;
        }
        if rest & 1 == 1
            && let Some(rule) = RULES.get(number)
            && rule.matches(facts, !gate.is_drop(number))
        {
            // SAFETY: see above.
            unsafe { matched.write_volatile(matched.read_volatile() | 1 << number) };
        }
    }
    // SAFETY: see above.
    gate.passes(unsafe { matched.read_volatile() })
}

/// What is known of a cgroup's owner.
#[inline(always)]
fn verdict(cgroup: u64) -> Option<u32> {
    let verdict = VERDICTS.get_ptr(cgroup)?;
    // SAFETY: the map lookup returned an element. Userspace may write it at any time, a word at once.
    Some(unsafe { verdict.read_volatile() })
}
