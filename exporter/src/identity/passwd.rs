//! Lists of users, as passwd(5) tells.

/// How many users of a list are known.
pub const USERS: usize = 1024;

/// A user in a list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    /// The name, which may be empty or none that a user can have.
    pub(super) name: &'a str,
    /// The user's id.
    pub(super) uid: u32,
    /// The home, if the line goes on as far.
    pub(super) home: Option<&'a str>,
}

/// The users in a list. Lines that are none are passed over.
pub(super) fn entries(list: &[u8]) -> impl Iterator<Item = Entry<'_>> {
    list.split(|byte| *byte == b'\n').filter_map(entry)
}

fn entry(line: &[u8]) -> Option<Entry<'_>> {
    let mut fields = str::from_utf8(line).ok()?.split(':');
    let (name, _, uid, _gid) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    Some(Entry { name, uid: uid.parse().ok()?, home: fields.nth(1) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let ann = Entry { name: "ann", uid: 1000, home: Some("/home/ann") };
        for (line, expected) in [
            ("ann:x:1000:1000:Ann,,:/home/ann:/bin/sh", Some(ann)),
            ("ann:x:1000:1000", Some(Entry { name: "ann", uid: 1000, home: None })),
            (":::", None),
            ("ann:x:1000", None),
            ("ann:x:-1:0::/:", None),
            ("ann:x:4294967296:0::/:", None),
            ("", None),
        ] {
            assert_eq!(entry(line.as_bytes()), expected, "{line}");
        }
        assert_eq!(entries(b"a:x:1:1\n\xff:x:2:2\n\nb:x:3:3\n").map(|entry| entry.uid).collect::<Vec<_>>(), [1, 3]);
    }
}
