//! What could have been meant by a name that does not exist.

/// How many names are listed at most, when there are many.
const CLOSEST: usize = 5;
/// Up to how many names are all listed.
const ALL: usize = 16;

/// The names that could have been meant: all of them, or those most like what was written.
pub(crate) fn names<'a>(written: &str, all: impl IntoIterator<Item = &'a str>) -> String {
    by(|name| likeness(written, name), all)
}

/// The same, by another measure of likeness.
pub(crate) fn by<'a>(likeness: impl Fn(&str) -> f64, all: impl IntoIterator<Item = &'a str>) -> String {
    let mut all: Vec<_> = all.into_iter().collect();
    let is_all = all.len() <= ALL;
    if !is_all {
        all.sort_by_cached_key(|name| std::cmp::Reverse((likeness(name) * 1e6) as u32));
        all.truncate(CLOSEST);
    }
    let quoted = all.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    format!("{} {quoted}", if is_all { "one of" } else { "a name such as" })
}

/// How alike two names are, from 0 to 1.
pub(crate) fn likeness(a: &str, b: &str) -> f64 {
    strsim::normalized_damerau_levenshtein(a, b)
}
