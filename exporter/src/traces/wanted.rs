//! What the kernel is asked for.

use doubleslit_common::kind::Kind;

use crate::{events::fields::KINDS, identity::CgroupId};

/// The kinds of events that a trace can be about: those that the kernel sends and that need not be told more closely.
pub fn kinds() -> impl Iterator<Item = Kind> {
    let others = [Kind::ContainerStart, Kind::ContainerStop, Kind::Syscall, Kind::Tracepoint];
    KINDS.iter().copied().filter(move |kind| !others.contains(kind))
}

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
