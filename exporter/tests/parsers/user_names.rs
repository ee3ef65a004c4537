//! A container's list of users, which is whatever the container likes.

use doubleslit::identity::user_names::{NAME_BYTES, USERS, UidMap, UserNames};

/// By how much the users of the other mapping are away.
const SHIFT: u32 = 100_000;

/// What must hold whatever the file says.
pub(crate) fn check(bytes: &[u8]) {
    let names = UserNames::parse(bytes, &UidMap::identity());
    let text = String::from_utf8_lossy(bytes);
    assert!(names.iter().count() <= USERS);
    for (uid, name) in names.iter() {
        assert_eq!(names.get(uid), Some(name));
        assert!((1..=NAME_BYTES).contains(&name.len()) && !name.contains([':', '\n']), "{name:?}");
        let is_it = |line: &str| line.starts_with(&format!("{name}:"));
        assert!(text.split('\n').any(is_it), "{name:?} of {uid} is in {text:?}");
    }
    // Elsewhere the same users have the same names, as far as they are there.
    let shifted = UserNames::parse(bytes, &UidMap::parse(format!("0 {SHIFT} 65536").as_bytes()));
    let inside = shifted.iter().map(|(uid, name)| (uid - SHIFT, name));
    let there = names.iter().filter(|(uid, _)| *uid < 65536);
    if names.iter().count() < USERS {
        assert!(inside.eq(there));
    }
}
