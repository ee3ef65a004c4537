//! The reader of cgroup notices.

use std::os::fd::{AsFd, BorrowedFd};

use aya::maps::{Map, MapData, MapError, RingBuf};
use doubleslit_common::notice::NoticeView;

use crate::counts::source::NoticeSource;

/// Notices taken at once, so that a flood of them does not keep the maps from being read.
const AT_ONCE: usize = 4096;

/// The ring of notices.
pub struct Notices(RingBuf<MapData>);

impl Notices {
    /// Opens the ring.
    ///
    /// # Errors
    ///
    /// When the map is no ring or cannot be mapped.
    pub fn new(map: Map) -> Result<Self, MapError> {
        Ok(Self(RingBuf::try_from(map)?))
    }
}

impl NoticeSource for Notices {
    fn drain(&mut self, take: &mut dyn FnMut(NoticeView<'_>)) -> u64 {
        let mut malformed = 0;
        for _ in 0..AT_ONCE {
            let Some(record) = self.0.next() else {
                break;
            };
            match NoticeView::parse(&record) {
                Some(notice) => take(notice),
                None => malformed += 1,
            }
        }
        malformed
    }
}

impl AsFd for Notices {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl std::fmt::Debug for Notices {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Notices").finish_non_exhaustive()
    }
}
