//! The kinds of event that are counted.

/// A kind of event. Its number is part of every map key, its name is the `event` label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// A successful `execve` or `execveat`.
    Exec = 0,
    /// A process was created.
    Fork = 1,
    /// A thread was created.
    Thread = 2,
    /// A process ended: the last thread of its group is gone.
    Exit = 3,
    /// The OOM killer chose a process.
    OomKill = 4,
    /// A signal was generated for a process.
    SignalGenerate = 5,
    /// A signal was delivered to a handler or its default action.
    SignalDeliver = 6,
    /// A socket changed its state.
    SocketState = 7,
    /// A TCP segment was sent again.
    TcpRetransmit = 8,
    /// A TCP reset was sent.
    TcpResetSend = 9,
    /// A TCP reset was received.
    TcpResetReceive = 10,
    /// A cgroup was created; for a container's own cgroup this is its start.
    ContainerStart = 11,
    /// A cgroup was removed; for a container's own cgroup this is its stop.
    ContainerStop = 12,
    /// A system call returned.
    Syscall = 13,
    /// A single event found no room in the ring; its detail is the number of its own kind.
    EventLost = 14,
    /// A tracepoint was hit that the configuration names.
    Tracepoint = 15,
    /// Nanoseconds between entry and return of a system call.
    SyscallTime = 16,
    /// A system call returned of which it is not known when it began.
    SyscallUntimed = 17,
    /// A system call returned that has a histogram, and falls into a bucket of it.
    SyscallLatency = 18,
}

impl Kind {
    /// Every kind, in the order of its number.
    pub const ALL: [Self; 19] = [
        Self::Exec,
        Self::Fork,
        Self::Thread,
        Self::Exit,
        Self::OomKill,
        Self::SignalGenerate,
        Self::SignalDeliver,
        Self::SocketState,
        Self::TcpRetransmit,
        Self::TcpResetSend,
        Self::TcpResetReceive,
        Self::ContainerStart,
        Self::ContainerStop,
        Self::Syscall,
        Self::EventLost,
        Self::Tracepoint,
        Self::SyscallTime,
        Self::SyscallUntimed,
        Self::SyscallLatency,
    ];

    /// How many kinds there are.
    pub const COUNT: usize = Self::ALL.len();

    /// The kind with this number.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        if (number as usize) < Self::COUNT { Some(Self::ALL[number as usize]) } else { None }
    }

    /// The name in the `event` label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exec => "exec",
            Self::Fork => "fork",
            Self::Thread => "thread",
            Self::Exit => "exit",
            Self::OomKill => "oom_kill",
            Self::SignalGenerate => "signal_generate",
            Self::SignalDeliver => "signal_deliver",
            Self::SocketState => "socket_state",
            Self::TcpRetransmit => "tcp_retransmit",
            Self::TcpResetSend => "tcp_reset_send",
            Self::TcpResetReceive => "tcp_reset_receive",
            Self::ContainerStart => "container_start",
            Self::ContainerStop => "container_stop",
            Self::Syscall => "syscall",
            Self::EventLost => "event_lost",
            Self::Tracepoint => "tracepoint",
            Self::SyscallTime => "syscall_time",
            Self::SyscallUntimed => "syscall_untimed",
            Self::SyscallLatency => "syscall_latency",
        }
    }

    /// Whether it is counted of system calls.
    #[must_use]
    pub const fn is_of_syscalls(self) -> bool {
        matches!(self, Self::Syscall | Self::SyscallTime | Self::SyscallUntimed | Self::SyscallLatency)
    }

    /// Whether its counts are nanoseconds instead of events.
    #[must_use]
    pub const fn is_time(self) -> bool {
        matches!(self, Self::SyscallTime)
    }

    /// Whether its details have buckets: its counts are histograms.
    #[must_use]
    pub const fn is_histogram(self) -> bool {
        matches!(self, Self::SyscallLatency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_positions() {
        for (position, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, position);
            assert_eq!(Kind::from_number(kind as u8), Some(kind));
        }
        assert_eq!(Kind::from_number(Kind::COUNT as u8), None);
    }
}
