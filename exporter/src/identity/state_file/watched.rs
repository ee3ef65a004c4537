//! A file that is read again when it has changed.

use std::path::PathBuf;

use super::{Stamp, Tree};

/// A file, and what it was when it was read.
#[derive(Debug)]
pub(in crate::identity) struct Watched {
    tree: Tree,
    path: PathBuf,
    read: Option<Stamp>,
}

impl Watched {
    pub(in crate::identity) fn new(tree: Tree, path: PathBuf) -> Self {
        Self { tree, path, read: None }
    }

    /// What is in it, empty while it cannot be read; nothing when that is the same as before.
    pub(in crate::identity) fn news(&mut self) -> Option<Vec<u8>> {
        let (tree, path) = (self.tree.clone(), self.path.clone());
        self.news_by(|| Some(tree.read(&path).unwrap_or_default()))
    }

    /// The same, where somebody else reads it. Nothing as well when nobody does.
    pub(in crate::identity) fn news_by(&mut self, read: impl FnOnce() -> Option<Vec<u8>>) -> Option<Vec<u8>> {
        let stamp = self.tree.stamp(&self.path).ok();
        if matches!((self.read, stamp), (Some(read), Some(stamp)) if read.is_still(stamp)) {
            return None;
        }
        self.read = stamp;
        read()
    }
}
