//! Single events, as they come through the ring `EVENTS`: records that begin with a [`Header`].

use crate::wire::wire;

/// What every record begins with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Header {
    /// When it happened, in nanoseconds of `CLOCK_BOOTTIME`.
    pub boot_ns: u64,
    /// The id of the cgroup that owns the event.
    pub cgroup: u64,
    /// How many events this one stands for, itself included.
    pub weight: u32,
    /// Who asked for it: one bit a listener.
    pub listeners: u32,
    /// The CPU on which it happened.
    pub cpu: u32,
    /// A number of [`Kind`](crate::kind::Kind).
    pub kind: u32,
}

wire!(Header { boot_ns: u64, cgroup: u64, weight: u32, listeners: u32, cpu: u32, kind: u32 });

/// The inode numbers of a process's namespaces; 0 where the kernel tells none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
#[expect(missing_docs, reason = "each is named like its type of namespace")]
pub struct Namespaces {
    pub net: u32,
    pub ipc: u32,
    pub uts: u32,
    pub mnt: u32,
    pub pid: u32,
    pub user: u32,
    pub cgroup: u32,
    pub time: u32,
}

wire!(Namespaces { net: u32, ipc: u32, uts: u32, mnt: u32, pid: u32, user: u32, cgroup: u32, time: u32 });

/// Bytes of a task's name, the final NUL included (`TASK_COMM_LEN`, include/linux/sched.h).
pub const COMM_BYTES: usize = 16;

/// The process that an event is about. Process ids are those of the first PID namespace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Process {
    /// When its first thread began, in nanoseconds of `CLOCK_BOOTTIME`.
    pub start_boot_ns: u64,
    /// Its id (`tgid`).
    pub pid: u32,
    /// The id of the thread.
    pub tid: u32,
    /// Its id in its own PID namespace.
    pub vpid: u32,
    /// The id of its parent process.
    pub parent_pid: u32,
    /// The id of the leader of its session.
    pub session: u32,
    /// The id of the leader of its process group.
    pub group: u32,
    /// The real user.
    pub real_uid: u32,
    /// The effective user.
    pub uid: u32,
    /// The saved user.
    pub saved_uid: u32,
    /// The real group.
    pub real_gid: u32,
    /// The effective group.
    pub gid: u32,
    /// 1 when it has a controlling terminal.
    pub has_tty: u32,
    /// Its namespaces.
    pub namespaces: Namespaces,
    /// The thread's name, up to the first NUL.
    pub comm: [u8; COMM_BYTES],
    /// The name of its parent's first thread, up to the first NUL.
    pub parent_comm: [u8; COMM_BYTES],
}

wire!(Process {
    start_boot_ns: u64,
    pid: u32,
    tid: u32,
    vpid: u32,
    parent_pid: u32,
    session: u32,
    group: u32,
    real_uid: u32,
    uid: u32,
    saved_uid: u32,
    real_gid: u32,
    gid: u32,
    has_tty: u32,
    namespaces: Namespaces,
    comm: [u8; COMM_BYTES],
    parent_comm: [u8; COMM_BYTES],
});

/// What the ring lets through of a kind: an element of the map `GATES`, which userspace writes. Rules are bits, see
/// [`filter`](crate::filter).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Gate {
    /// Who listens: one bit a listener. With none, nothing passes.
    pub listeners: u32,
    /// One in how many of those that the rules let pass is sent; 0 and 1 are all of them.
    pub one_in: u32,
    /// How many of them are sent a second and owner, at most; 0 is no limit.
    pub per_second: u32,
    /// The rules that drop events of this kind.
    pub drop: u32,
    /// The rules that select them, list by list; a list without any selects all.
    pub select: [u32; crate::filter::LAYERS_MAX],
    /// The rules that ask who owns the event.
    pub asks_owner: u32,
}

wire!(Gate {
    listeners: u32,
    one_in: u32,
    per_second: u32,
    drop: u32,
    select: [u32; crate::filter::LAYERS_MAX],
    asks_owner: u32,
});

impl Gate {
    /// A gate that everything passes.
    #[must_use]
    pub const fn open(listeners: u32) -> Self {
        Self { listeners, one_in: 1, per_second: 0, drop: 0, select: [0; crate::filter::LAYERS_MAX], asks_owner: 0 }
    }
}

/// What became of an event on its way into the ring. Of each kind and stage there is a counter in the map `EVENT_STAGES`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u32)]
pub enum Stage {
    /// It happened while somebody listened: the sum of all the others.
    Generated = 0,
    /// A filter kept it out.
    Filtered = 1,
    /// It was not in the sample.
    SampledOut = 2,
    /// The ring was full.
    RingFull = 3,
    /// The ring took it.
    Sent = 4,
}

impl Stage {
    /// Every stage, in the order of its number.
    pub const ALL: [Self; 5] = [Self::Generated, Self::Filtered, Self::SampledOut, Self::RingFull, Self::Sent];

    /// How many elements the map `EVENT_STAGES` has.
    pub const INDICES: u32 = (Self::ALL.len() * crate::kind::Kind::COUNT) as u32;

    /// The index into the map `EVENT_STAGES`.
    #[inline(always)]
    #[must_use]
    pub const fn index(self, kind: crate::kind::Kind) -> u32 {
        kind as u32 * Self::ALL.len() as u32 + self as u32
    }
}
