//! Which user of the kernel a user of a container is.

/// How many ranges are read. The kernel has at most 340 (`UID_GID_MAP_MAX_EXTENTS`).
const RANGES: usize = 340;

/// A user namespace's mapping, as `/proc/PID/uid_map` tells it to a reader in the first one (user_namespaces(7)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UidMap(Vec<Range>);

/// Consecutive users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range {
    inside: u32,
    outside: u32,
    count: u32,
}

impl UidMap {
    /// The mapping of the first user namespace.
    #[must_use]
    pub fn identity() -> Self {
        Self(vec![Range { inside: 0, outside: 0, count: u32::MAX }])
    }

    /// The mapping in these bytes. A line that is no range maps nobody.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Self {
        Self(String::from_utf8_lossy(bytes).lines().filter_map(range).take(RANGES).collect())
    }

    /// The kernel's id for a user that has this one inside; nothing when it is mapped to none.
    #[must_use]
    pub fn outside(&self, uid: u32) -> Option<u32> {
        self.0.iter().find_map(|Range { inside, outside, count }| {
            let offset = uid.checked_sub(*inside).filter(|offset| offset < count)?;
            outside.checked_add(offset)
        })
    }
}

fn range(line: &str) -> Option<Range> {
    let mut numbers = line.split_ascii_whitespace().map(|number| number.parse().ok());
    let [inside, outside, count] = [numbers.next()??, numbers.next()??, numbers.next()??];
    numbers.next().is_none().then_some(Range { inside, outside, count })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_as_the_kernel_does() {
        let map = UidMap::parse(b"         0       1000          1\n         1     100000      65536\n");
        for (inside, outside) in
            [(0, Some(1000)), (1, Some(100_000)), (1234, Some(101_233)), (65536, Some(165_535)), (65537, None)]
        {
            assert_eq!(map.outside(inside), outside, "{inside}");
        }
    }

    #[test]
    fn the_first_namespace_maps_everybody_to_himself() {
        let first = std::fs::read("/proc/1/uid_map").unwrap_or_else(|_| b"0 0 4294967295".to_vec());
        for map in [UidMap::identity(), UidMap::parse(&first)] {
            assert_eq!(
                [0, 1234, u32::MAX - 1, u32::MAX].map(|uid| map.outside(uid)),
                [Some(0), Some(1234), Some(u32::MAX - 1), None]
            );
        }
    }

    #[test]
    fn maps_nobody_by_what_is_no_range() {
        for text in ["", "0 0", "0 0 1 1", "a b c", "-1 0 5", "0 0 4294967296", "0 0 0"] {
            assert_eq!(UidMap::parse(text.as_bytes()).outside(0), None, "{text}");
        }
        assert_eq!(UidMap::parse(b"0 4294967295 9").outside(1), None);
        let many = "9 9 1\n".repeat(RANGES) + "0 0 1\n";
        assert_eq!(UidMap::parse(many.as_bytes()).outside(0), None);
    }
}
