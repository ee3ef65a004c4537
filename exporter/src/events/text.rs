//! Text from bytes that a process may have chosen, and from times.

use std::{borrow::Cow, time::SystemTime};

use humantime::Rfc3339Timestamp;

/// A time of day in RFC 3339, with nanoseconds. The format begins in 1970, where the clock of a machine may stand as well.
pub(super) fn moment(time: SystemTime) -> Rfc3339Timestamp {
    humantime::format_rfc3339_nanos(time.max(SystemTime::UNIX_EPOCH))
}

/// The text in bytes. Bytes that are no UTF-8 become `\xNN`.
pub(super) fn lossless(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

/// Two digits for each byte, the first one first.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes before the first NUL.
pub(super) fn before_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// The text in bytes before the first NUL.
pub(super) fn terminated(bytes: &[u8]) -> Cow<'_, str> {
    let bytes = before_nul(bytes);
    str::from_utf8(bytes).map_or_else(|_| lossless(bytes).into(), Cow::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_every_byte() {
        for (bytes, text) in [
            (&b"plain"[..], "plain"),
            ("gr\u{fc}n\n".as_bytes(), "gr\u{fc}n\n"),
            (b"a\xffb\xc3", "a\\xffb\\xc3"),
            (b"", ""),
        ] {
            assert_eq!(lossless(bytes), text);
        }
        assert_eq!((before_nul(b"sh\0rest"), before_nul(b"sh"), before_nul(b"\0")), (&b"sh"[..], &b"sh"[..], &b""[..]));
    }
}
