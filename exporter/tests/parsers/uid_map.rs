//! `/proc/PID/uid_map`.

use std::collections::BTreeSet;

use doubleslit::identity::user_names::UidMap;

/// What must hold whatever the file says.
pub(crate) fn check(bytes: &[u8]) {
    let map = UidMap::parse(bytes);
    let text = String::from_utf8_lossy(bytes);
    let numbers: BTreeSet<u32> = text.split_ascii_whitespace().filter_map(|number| number.parse().ok()).collect();
    let near = |number: &u32| [number.wrapping_sub(1), *number, number.wrapping_add(1), number.wrapping_mul(2)];
    for uid in numbers.iter().flat_map(near) {
        // Some line has the user, at the same distance from the beginnings of both its ranges.
        let is_of = |line: &str, outside: u32| {
            let numbers: Vec<u64> = line.split_ascii_whitespace().filter_map(|number| number.parse().ok()).collect();
            matches!(numbers[..], [inside, first, count] if (inside..inside + count).contains(&uid.into())
                && u64::from(outside) == first + (u64::from(uid) - inside))
        };
        if let Some(outside) = map.outside(uid) {
            assert!(text.lines().any(|line| is_of(line, outside)), "{uid} becomes {outside} by {text:?}");
        }
    }
}
