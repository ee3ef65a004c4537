//! What stands behind the `?` of a path.

use percent_encoding::percent_decode_str;

/// Names and values, decoded. A name can come several times.
pub(super) fn pairs(query: &str) -> Vec<(String, String)> {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded() {
        for (query, expected) in [
            ("", &[][..]),
            ("a=1&b", &[("a", "1"), ("b", "")]),
            (
                "select=event%3Dexec%2Ccomm%3Da%26b&select=x%20y",
                &[("select", "event=exec,comm=a&b"), ("select", "x y")],
            ),
            ("a=b=c&&a=%ff%", &[("a", "b=c"), ("a", "\u{fffd}%")]),
        ] {
            let expected: Vec<_> =
                expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            assert_eq!(pairs(query), expected, "{query}");
        }
    }
}
