//! What the kernel is asked for.

use doubleslit_common::{kind::Kind, traced::WHOLE};

use crate::{
    events::{
        event::{Details, Event},
        fields::KINDS,
    },
    identity::CgroupId,
    tracepoints::name::Selector,
};

/// The kinds of events that a trace can be about as a whole: those that the kernel sends and that need not be told more closely.
pub fn kinds() -> impl Iterator<Item = Kind> {
    let others = [Kind::ContainerStart, Kind::ContainerStop, Kind::Syscall, Kind::Tracepoint];
    KINDS.iter().copied().filter(move |kind| !others.contains(kind))
}

/// Something that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wanted {
    /// Its kind.
    pub kind: Kind,
    /// Which of the kind: a system call, the kernel's number of a tracepoint; or [`WHOLE`].
    pub detail: u32,
}

impl Wanted {
    /// That it is noted how system calls begin: without it they have no durations. Nobody has it, so it is no part of a [`Key`].
    pub const BEGINNINGS: Self = Self::whole(Kind::SyscallTime);

    /// All of a kind.
    pub(super) const fn whole(kind: Kind) -> Self {
        Self { kind, detail: WHOLE }
    }

    /// What happened, where that is more than its kind.
    pub(super) fn of(event: &Event) -> Option<Self> {
        match &event.details {
            Details::Syscall(syscall) => Some(Self { kind: Kind::Syscall, detail: syscall.call }),
            Details::Tracepoint(hit) => Some(Self { kind: Kind::Tracepoint, detail: hit.tracepoint.format.id }),
            _ => None,
        }
    }
}

/// Something that happens to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// To whom; nothing for anybody.
    pub cgroup: Option<CgroupId>,
    /// What happens.
    pub wanted: Wanted,
}

/// The tracepoints that there are.
pub trait Catalogue: std::fmt::Debug + Send + Sync {
    /// The kernel's numbers of those that are meant.
    ///
    /// # Errors
    ///
    /// When none is: why, and what there is instead.
    fn tracepoints(&self, selector: &Selector) -> Result<Vec<u32>, String>;
}

/// Where the kernel is not asked, any could be there.
impl Catalogue for () {
    fn tracepoints(&self, _: &Selector) -> Result<Vec<u32>, String> {
        Ok(vec![WHOLE])
    }
}
