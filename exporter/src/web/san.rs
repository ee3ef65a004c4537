//! The names in a certificate: DNS names, addresses, e-mail addresses, URIs (RFC 5280, section 4.2.1.6).
//!
//! What is read comes from strangers, so nothing is taken for granted: what is not as it must be has no names.

use std::net::IpAddr;

const SEQUENCE: u8 = 0x30;
const OBJECT_IDENTIFIER: u8 = 0x06;
const OCTETS: u8 = 0x04;
const BOOLEAN: u8 = 0x01;
/// Of the extensions within the part of the certificate that is signed.
const EXTENSIONS: u8 = 0xa3;

/// `subjectAltName`, 2.5.29.17.
const ALTERNATIVE_NAME: [u8; 3] = [0x55, 0x1d, 0x11];

const EMAIL: u8 = 0x81;
const DNS: u8 = 0x82;
const URI: u8 = 0x86;
const ADDRESS: u8 = 0x87;

/// The names of a certificate, as the file writes them. One that is damaged has none.
pub(super) fn names(certificate: &[u8]) -> Vec<String> {
    find(certificate).unwrap_or_default()
}

fn find(certificate: &[u8]) -> Option<Vec<String>> {
    let signed = Reader(certificate).expect(SEQUENCE)?.expect(SEQUENCE)?;
    let mut extensions = Reader(signed.last(EXTENSIONS)?).expect(SEQUENCE)?;
    while let Some((tag, content)) = extensions.next() {
        let mut extension = Reader(content);
        if tag != SEQUENCE || extension.expect(OBJECT_IDENTIFIER)?.0 != ALTERNATIVE_NAME {
            continue;
        }
        let (mut tag, mut content) = extension.next()?;
        if tag == BOOLEAN {
            (tag, content) = extension.next()?;
        }
        if tag != OCTETS {
            return None;
        }
        let mut names = Vec::new();
        let mut written = Reader(content).expect(SEQUENCE)?;
        while let Some((tag, content)) = written.next() {
            names.extend(name(tag, content));
        }
        return Some(names);
    }
    None
}

fn name(tag: u8, content: &[u8]) -> Option<String> {
    match tag {
        EMAIL | DNS | URI if content.is_ascii() => std::str::from_utf8(content).ok().map(str::to_owned),
        ADDRESS => {
            let four = <[u8; 4]>::try_from(content).map(IpAddr::from);
            four.or_else(|_| <[u8; 16]>::try_from(content).map(IpAddr::from)).ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

/// What is left of a sequence of values in DER.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The next value: its tag and its content.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&[tag, first], rest) = self.0.split_first_chunk::<2>()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            // Longer certificates are none that anybody has.
            0x81..=0x83 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
                (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }

    /// What is in the next value, which has this tag.
    fn expect(&mut self, tag: u8) -> Option<Self> {
        let (found, content) = self.next()?;
        (found == tag).then_some(Self(content))
    }

    /// The content of the last value, which has this tag.
    fn last(mut self, tag: u8) -> Option<&'a [u8]> {
        let mut last = None;
        while let Some((found, content)) = self.next() {
            last = (found == tag).then_some(content);
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).expect("short").to_be_bytes();
        [&[tag, 0x82][..], &length, content].concat()
    }

    /// A certificate with these names, and whatever else there is.
    fn certificate(names: &[(u8, &[u8])]) -> Vec<u8> {
        let names: Vec<u8> = names.iter().flat_map(|(tag, content)| value(*tag, content)).collect();
        let other =
            value(SEQUENCE, &[value(OBJECT_IDENTIFIER, &[0x55, 0x1d, 0x13]), value(OCTETS, b"\x30\x00")].concat());
        let critical = value(BOOLEAN, &[0xff]);
        let own = [value(OBJECT_IDENTIFIER, &ALTERNATIVE_NAME), critical, value(OCTETS, &value(SEQUENCE, &names))];
        let extensions = value(SEQUENCE, &[other, value(SEQUENCE, &own.concat())].concat());
        let signed = [value(0xa0, &[2, 1, 2]), value(2, &[1]), value(SEQUENCE, &[]), value(EXTENSIONS, &extensions)];
        value(SEQUENCE, &[value(SEQUENCE, &signed.concat()), value(SEQUENCE, &[]), value(3, &[0])].concat())
    }

    #[test]
    fn every_kind_of_name() {
        let found = names(&certificate(&[
            (EMAIL, b"a@b.example"),
            (DNS, b"b.example"),
            (0xa0, b"of another kind"),
            (URI, b"spiffe://b.example/x"),
            (ADDRESS, &[192, 0, 2, 1]),
            (ADDRESS, &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
            (ADDRESS, &[1, 2, 3]),
            (DNS, "ä.example".as_bytes()),
        ]));
        assert_eq!(found, ["a@b.example", "b.example", "spiffe://b.example/x", "192.0.2.1", "2001:db8::1"]);
    }

    #[test]
    fn what_is_cut_has_no_names() {
        let whole = certificate(&[(DNS, b"b.example")]);
        assert_eq!(names(&whole), ["b.example"]);
        for end in 0..whole.len() {
            names(&whole[..end]);
        }
        assert_eq!(names(&certificate(&[])), [""; 0]);
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0..80usize, byte in any::<u8>()) {
            names(&bytes);
            let mut damaged = certificate(&[(DNS, b"b.example"), (ADDRESS, &[127, 0, 0, 1])]);
            if let Some(place) = damaged.get_mut(at) {
                *place = byte;
            }
            names(&damaged);
        }
    }
}
