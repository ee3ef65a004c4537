//! An event, understood.

use std::{
    borrow::Cow,
    net::IpAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use doubleslit_common::{
    event::{Namespaces, Process as ProcessRecord},
    kind::Kind,
    probes::{
        signal::{SendingProcess, SignalResult},
        syscall,
        tcp::Socket as SocketRecord,
    },
};

use super::{hit::Hit, syscalls::Argument};
use crate::{
    identity::{CgroupId, Identity, user_names::UserNames},
    lives::{Change, Init, Stop, What},
    namespaces::Type,
    probes::syscall::call_name,
};

/// What happened once, to whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When it happened.
    pub time: SystemTime,
    /// The id of the cgroup that owns it.
    pub cgroup: CgroupId,
    /// That cgroup's path from the root of the hierarchy; empty when it is not known.
    pub cgroup_path: Arc<str>,
    /// Whose it is.
    pub identity: Arc<Identity>,
    /// What that owner's users are called; nothing when it is not known.
    pub users: Option<Arc<UserNames>>,
    /// How many events it stands for, itself included.
    pub weight: u32,
    /// Who asked the kernel for it: one bit a listener.
    pub listeners: u32,
    /// The CPU on which it happened.
    pub cpu: u32,
    /// The process that it is about; nothing where it is about none.
    pub process: Option<Process>,
    /// What happened.
    pub details: Details,
}

impl Event {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.details.kind()
    }

    /// What happened, by name: that of its kind, or of a hit that of the tracepoint, such as `sched:sched_process_fork`.
    #[must_use]
    pub fn name(&self) -> Cow<'static, str> {
        self.hit().map_or(self.kind().name().into(), |hit| hit.tracepoint.name.to_string().into())
    }

    /// The hit of a tracepoint that it is, if it is one, whose fields are read by their names.
    #[must_use]
    pub fn hit(&self) -> Option<&Hit> {
        if let Details::Tracepoint(hit) = &self.details { Some(hit) } else { None }
    }

    /// The id of the process that it is about.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        match &self.details {
            Details::ContainerStart(init) => init.as_ref().map(|init| init.pid),
            _ => self.process.as_ref().map(|process| process.record.pid),
        }
    }

    /// The inode number of that process's namespace of a type; nothing where the kernel tells none.
    #[must_use]
    pub fn namespace(&self, kind: Type) -> Option<u64> {
        match &self.details {
            Details::ContainerStart(init) => init.as_ref()?.namespaces.own.get(&kind).copied(),
            _ => Some(self.process.as_ref()?.namespace(kind).into()).filter(|inode| *inode != 0),
        }
    }
}

impl From<Change> for Event {
    fn from(Change { time, cgroup, path, identity, listeners, what }: Change) -> Self {
        let details = match what {
            What::Started(init) => Details::ContainerStart(init),
            What::Stopped(stop) => Details::ContainerStop(stop),
        };
        // No CPU: the field is one of what the kernel sends.
        Self {
            time,
            cgroup,
            cgroup_path: path,
            identity,
            users: None,
            weight: 1,
            listeners,
            cpu: 0,
            process: None,
            details,
        }
    }
}

/// The process that an event is about. Process ids are those of the first PID namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// What the kernel told.
    pub record: ProcessRecord,
    /// When its first thread began.
    pub started: SystemTime,
}

impl Process {
    /// The inode number of its namespace of a type; 0 where the kernel tells none.
    #[must_use]
    pub fn namespace(&self, kind: Type) -> u32 {
        let Namespaces { net, ipc, uts, mnt, pid, user, cgroup, time } = self.record.namespaces;
        match kind {
            Type::Net => net,
            Type::Ipc => ipc,
            Type::Uts => uts,
            Type::Mnt => mnt,
            Type::Pid => pid,
            Type::User => user,
            Type::Cgroup => cgroup,
            Type::Time => time,
        }
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Details {
    /// A program was executed.
    Exec(Exec),
    /// A process was created: the one that the event is about.
    Fork,
    /// A thread was created: the one that the event is about.
    Thread,
    /// A process ended.
    Exit(Exit),
    /// The OOM killer chose a process.
    OomKill(OomKill),
    /// A signal was generated for the process that the event is about.
    SignalGenerate(SignalGenerate),
    /// A signal was delivered to that process.
    SignalDeliver(SignalDeliver),
    /// A socket changed its state.
    SocketState(SocketState),
    /// TCP segments were sent again.
    TcpRetransmit(Segments),
    /// A TCP reset was received.
    TcpResetReceive(Segments),
    /// A system call returned, or one began that never does.
    Syscall(Syscall),
    /// A container started, with this first process.
    ContainerStart(Option<Init>),
    /// A container stopped.
    ContainerStop(Stop),
    /// A tracepoint was hit while the process that the event is about was running.
    Tracepoint(Hit),
}

impl Details {
    /// The kind of event.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Exec(_) => Kind::Exec,
            Self::Fork => Kind::Fork,
            Self::Thread => Kind::Thread,
            Self::Exit(_) => Kind::Exit,
            Self::OomKill(_) => Kind::OomKill,
            Self::SignalGenerate(_) => Kind::SignalGenerate,
            Self::SignalDeliver(_) => Kind::SignalDeliver,
            Self::SocketState(_) => Kind::SocketState,
            Self::TcpRetransmit(_) => Kind::TcpRetransmit,
            Self::TcpResetReceive(_) => Kind::TcpResetReceive,
            Self::Syscall(_) => Kind::Syscall,
            Self::ContainerStart(_) => Kind::ContainerStart,
            Self::ContainerStop(_) => Kind::ContainerStop,
            Self::Tracepoint(_) => Kind::Tracepoint,
        }
    }
}

/// A program was executed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exec {
    /// The path of the file, as it was given; empty when it could not be read.
    pub path: String,
    /// The path of the interpreter of a script.
    pub interpreter: Option<String>,
    /// The arguments; nothing when nobody wants them.
    pub arguments: Option<Vec<String>>,
    /// Whether the last arguments are missing or cut.
    pub is_cut: bool,
    /// How many arguments there are.
    pub count: u32,
    /// The working directory, from the process's root on; nothing when nobody wants it. Where its beginning is missing, it does
    /// not begin with `/`.
    pub directory: Option<String>,
}

/// A process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    /// How.
    pub end: End,
    /// Whether it was the OOM killer that killed it.
    pub is_oom_killed: bool,
    /// How long it lived.
    pub lifetime: Duration,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By itself, with this status.
    Status(u8),
    /// By a signal.
    Signal {
        /// The signal's number.
        number: u32,
        /// Whether its memory was dumped.
        is_core_dumped: bool,
    },
}

/// The OOM killer chose a process. All quantities are in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OomKill {
    /// The size of its address space.
    pub total: u64,
    /// Its memory that belongs to no file.
    pub anonymous: u64,
    /// Its memory that belongs to files.
    pub file: u64,
    /// Its shared memory.
    pub shared: u64,
    /// Its page tables.
    pub page_tables: u64,
    /// By how much it was made a more likely victim.
    pub score_adjustment: i32,
}

/// A signal and what its receiver is told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signal {
    /// Its number.
    pub number: u32,
    /// `si_code`.
    pub code: i32,
    /// `si_errno`.
    pub errno: i32,
}

/// A signal was generated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalGenerate {
    /// The signal.
    pub signal: Signal,
    /// What became of it; nothing for a result that this version does not know.
    pub result: Option<SignalResult>,
    /// Whether it is for the process, not for the one thread.
    pub is_group: bool,
    /// The process that sent it; nothing when the kernel did.
    pub sender: Option<Sender>,
}

/// The process that sent a signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// What the kernel told.
    pub record: SendingProcess,
    /// Whose it is, as far as that is known.
    pub identity: Arc<Identity>,
}

/// A signal was delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalDeliver {
    /// The signal.
    pub signal: Signal,
    /// The address of its handler; 0 for the default action.
    pub handler: u64,
    /// `SA_*` flags.
    pub flags: u64,
}

/// A socket changed its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketState {
    /// The socket.
    pub socket: Socket,
    /// The state before, see [`doubleslit_common::probes::socket_state::state`].
    pub old: u32,
    /// The state after.
    pub new: u32,
}

/// Segments of a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segments {
    /// The socket.
    pub socket: Socket,
    /// How many.
    pub count: u64,
}

/// A system call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Syscall {
    /// Its number.
    pub number: i32,
    /// Which call that is, see [`syscall::call`].
    pub call: u32,
    /// Its arguments.
    pub arguments: Vec<Argument>,
    /// What it returned; nothing for one that never does.
    pub result: Option<i64>,
    /// When it began; nothing where that was not seen.
    pub began: Option<SystemTime>,
    /// How long it took; nothing where that is not known.
    pub duration: Option<Duration>,
}

impl Syscall {
    /// Its name; its number where it has none.
    #[must_use]
    pub fn name(&self) -> &'static str {
        call_name(self.call)
    }

    /// The number of its error, 0 for none; nothing for a call that never returns.
    #[must_use]
    pub fn error(&self) -> Option<u32> {
        self.result.map(|result| syscall::error(self.call, result))
    }
}

/// A socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// What the kernel told.
    pub record: SocketRecord,
    /// Its own address.
    pub local: Option<IpAddr>,
    /// The address of its peer; nothing while it has none.
    pub peer: Option<IpAddr>,
}
