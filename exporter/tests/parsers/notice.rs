//! Notices of the kernel about cgroups.

use doubleslit_common::notice::NoticeView;

/// What must hold for every record.
pub(crate) fn check(record: &[u8]) {
    let Some(notice) = NoticeView::parse(record) else { return };
    if let Some(path) = notice.path {
        assert!(!path.is_empty());
        assert!(record.as_ptr_range().contains(&path.as_ptr()), "the path is a part of the record");
    }
    // What the ring adds behind a record changes nothing.
    let padded = [record, &[0; 8]].concat();
    assert_eq!(NoticeView::parse(&padded), Some(notice));
}
