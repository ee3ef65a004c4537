//! Texts that stay on one line and steer no terminal.

use super::plain;

/// Appends a text as JSON has it.
pub(super) fn quoted(text: &str, line: &mut String) {
    line.push('"');
    let mut copied = 0;
    // Nearly every text is such a one, and need not be looked at letter by letter.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\')) {
        line.push_str(text);
        return line.push('"');
    }
    for (at, character) in text.char_indices() {
        if is_harmless(character) && !matches!(character, '"' | '\\') {
            continue;
        }
        line.push_str(&text[copied..at]);
        copied = at + character.len_utf8();
        match character {
            '"' => line.push_str("\\\""),
            '\\' => line.push_str("\\\\"),
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push_str("\\t"),
            other => other.encode_utf16(&mut [0; 2]).iter().for_each(|unit| plain(format_args!("\\u{unit:04x}"), line)),
        }
    }
    line.push_str(&text[copied..]);
    line.push('"');
}

/// Appends a text as it is where it is one word without any of the special characters, else in quotes.
pub(super) fn word(text: &str, special: &[char], line: &mut String) {
    let is_part = |character: char| match character {
        '"' | char::REPLACEMENT_CHARACTER => false,
        '!'..='~' => !special.contains(&character),
        other => is_harmless(other) && !other.is_whitespace(),
    };
    if !text.is_empty() && text.chars().all(is_part) { line.push_str(text) } else { quoted(text, line) }
}

/// Whether a terminal shows it and does nothing else: no control character, no other line's end, nothing that changes the
/// direction of what follows.
fn is_harmless(character: char) -> bool {
    !matches!(
        character,
        '\0'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{61c}'
            | '\u{200e}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
    )
}
