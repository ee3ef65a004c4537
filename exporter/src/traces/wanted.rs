//! What the kernel is asked for.

use doubleslit_common::kind::Kind;

use crate::identity::CgroupId;

/// Something that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wanted {
    /// Its kind.
    pub kind: Kind,
    /// Which of the kind; 0 where that is all of it.
    pub detail: u32,
}

/// Something that happens to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// To whom; nothing for anybody.
    pub cgroup: Option<CgroupId>,
    /// What happens.
    pub wanted: Wanted,
}
