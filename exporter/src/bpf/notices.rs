//! The reader of cgroup notices.

use std::os::fd::{AsFd, BorrowedFd};

use aya::maps::{Map, MapData, MapError, RingBuf};
use doubleslit_common::notice::NoticeView;

use crate::counts::source::NoticeSource;

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
        while let Some(record) = self.0.next() {
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
