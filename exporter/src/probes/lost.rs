//! Single events that are lost, whichever probe sends them, by their owners.

use doubleslit_common::kind::Kind;

use super::{Family, OTHER_DETAIL, Source, Values};

/// What is counted of them.
pub static FAMILY: Family = Family {
    name: "doubleslit_ringbuf_events_lost",
    help: "Single events that found no room in the ring, by their owners",
    kind: Kind::EventLost,
    source: Source::Counts,
    labels: &["event"],
    values,
    zeros: &[],
    whole: true,
};

fn values(detail: u32) -> Option<Values> {
    if detail == OTHER_DETAIL {
        return Some(["other", "", "", ""]);
    }
    let kind = u8::try_from(detail).ok().and_then(Kind::from_number)?;
    Some([kind.name(), "", "", ""])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detail_is_the_kind_that_was_lost() {
        for kind in Kind::ALL {
            assert_eq!(values(kind as u32), Some([kind.name(), "", "", ""]));
        }
        assert_eq!(values(OTHER_DETAIL), Some(["other", "", "", ""]));
        assert_eq!([values(Kind::COUNT as u32), values(256)], [None, None]);
    }
}
