//! The `Accept` header of a scrape.

use doubleslit::export::Format;

/// What must hold for every header.
pub(crate) fn check(bytes: &[u8]) {
    let header = String::from_utf8_lossy(bytes);
    let format = Format::negotiate(&header);
    // The names in it have no case; whoever takes something else besides wants the same of us.
    assert_eq!(Format::negotiate(&header.to_ascii_uppercase()), format, "{header:?}");
    assert_eq!(Format::negotiate(&format!("{header},image/png")), format, "{header:?}");
}
