//! Texts for a terminal: whoever starts a container chooses its name.

/// A text in which nothing steers the terminal.
pub(crate) fn harmless(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}
