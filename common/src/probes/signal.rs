//! The detail of [`Kind::SignalGenerate`](crate::kind::Kind::SignalGenerate) and
//! [`Kind::SignalDeliver`](crate::kind::Kind::SignalDeliver): signal number and result; and their events.

use crate::{
    event::{COMM_BYTES, Header, Process},
    wire::wire,
};

/// What became of a generated signal (`TRACE_SIGNAL_*`, include/trace/events/signal.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum SignalResult {
    /// It was put on its way.
    Delivered = 0,
    /// The target ignores it.
    Ignored = 1,
    /// The same signal already waits.
    AlreadyPending = 2,
    /// The queue of real-time signals is full.
    OverflowFail = 3,
    /// It was put on its way without its information.
    LoseInfo = 4,
}

impl SignalResult {
    /// Every result, in the order of its number.
    pub const ALL: [Self; 5] =
        [Self::Delivered, Self::Ignored, Self::AlreadyPending, Self::OverflowFail, Self::LoseInfo];

    /// The name in the `result` label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Ignored => "ignored",
            Self::AlreadyPending => "already_pending",
            Self::OverflowFail => "overflow_fail",
            Self::LoseInfo => "lose_info",
        }
    }
}

/// Highest signal number on Linux (`_NSIG`).
pub const SIGNAL_MAX: u32 = 64;

/// The detail for a signal number and a result's number.
#[inline(always)]
#[must_use]
pub const fn detail(signal: u32, result: u32) -> u32 {
    (signal & 0x7f) | ((result & 7) << 7)
}

/// Who sent a generated signal, as far as its detail tells: all but the signals between cgroups, which have a map of their
/// own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Sender {
    /// Not known: the signal went between cgroups and found no place in the map of edges.
    Unknown = 0,
    /// A process of the target's own cgroup.
    Own = 1,
    /// The kernel itself: a fault, a timer, a child's end, the OOM killer.
    Kernel = 2,
}

const SENDER_SHIFT: u32 = 10;

impl Sender {
    /// Adds the sender to a detail.
    #[inline(always)]
    #[must_use]
    pub const fn mark(self, detail: u32) -> u32 {
        detail | (self as u32) << SENDER_SHIFT
    }

    /// Parts a detail into the sender and the rest.
    #[must_use]
    pub const fn part(detail: u32) -> (Self, u32) {
        let sender = match detail >> SENDER_SHIFT & 3 {
            1 => Self::Own,
            2 => Self::Kernel,
            _ => Self::Unknown,
        };
        (sender, detail & ((1 << SENDER_SHIFT) - 1))
    }
}

/// The signal number in a detail.
#[must_use]
pub const fn signal(detail: u32) -> u32 {
    detail & 0x7f
}

/// The result in a detail; nothing for a number that this version does not know.
#[must_use]
pub fn result(detail: u32) -> Option<SignalResult> {
    SignalResult::ALL.get((detail >> 7 & 7) as usize).copied()
}

/// Some values of `si_code` (include/uapi/asm-generic/siginfo.h). Those below 0 are the ones that the kernel itself uses,
/// whatever process it happens to interrupt.
pub mod code {
    /// A process sent it with `kill`.
    pub const SI_USER: i32 = 0;
    /// The kernel sent it.
    pub const SI_KERNEL: i32 = 0x80;
    /// A timer ran out.
    pub const SI_TIMER: i32 = -2;
    /// Asynchronous input or output is complete.
    pub const SI_ASYNCIO: i32 = -4;
    /// A descriptor became ready.
    pub const SI_SIGIO: i32 = -5;
    /// An asynchronous name look-up is complete.
    pub const SI_ASYNCNL: i32 = -60;
}

/// Whether the current process, and not the kernel, sends a signal with this `si_code`.
///
/// Positive codes are the kernel's alone. A process that queues a signal may claim any negative one, hence also one of
/// [`code`]: so much it can hide.
#[inline(always)]
#[must_use]
pub const fn sent_by_process(si_code: i32) -> bool {
    si_code <= 0 && !matches!(si_code, code::SI_TIMER | code::SI_ASYNCIO | code::SI_SIGIO | code::SI_ASYNCNL)
}

/// Bytes of the name of an executable file, the final NUL included; the longest that there can be is four times as long.
pub const EXECUTABLE_BYTES: usize = 64;

/// The process that sent a signal; when the kernel did, all 0 but for that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct SendingProcess {
    /// The id of its cgroup.
    pub cgroup: u64,
    /// Its id.
    pub pid: u32,
    /// The id of the thread.
    pub tid: u32,
    /// Its real user.
    pub real_uid: u32,
    /// 1 when the kernel sent it.
    pub is_kernel: u32,
    /// The thread's name, up to the first NUL.
    pub comm: [u8; COMM_BYTES],
    /// The name of the file that it executes, up to the first NUL; empty for a thread of the kernel.
    pub executable: [u8; EXECUTABLE_BYTES],
}

wire!(SendingProcess {
    cgroup: u64,
    pid: u32,
    tid: u32,
    real_uid: u32,
    is_kernel: u32,
    comm: [u8; COMM_BYTES],
    executable: [u8; EXECUTABLE_BYTES],
});

/// The record of a generated signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct SignalGenerate {
    /// What all records have.
    pub header: Header,
    /// The target.
    pub process: Process,
    /// Who sent it.
    pub sender: SendingProcess,
    /// The signal's number.
    pub signal: u32,
    /// A number of [`SignalResult`].
    pub result: u32,
    /// `si_code`.
    pub code: i32,
    /// `si_errno`.
    pub errno: i32,
    /// 1 when it is for the process, not for the one thread.
    pub is_group: u32,
    /// 0.
    pub reserved: u32,
}

wire!(SignalGenerate {
    header: Header,
    process: Process,
    sender: SendingProcess,
    signal: u32,
    result: u32,
    code: i32,
    errno: i32,
    is_group: u32,
    reserved: u32,
});

/// The record of a delivered signal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct SignalDeliver {
    /// What all records have.
    pub header: Header,
    /// Who receives it.
    pub process: Process,
    /// The address of its handler; 0 for the default action.
    pub handler: u64,
    /// `sa_flags`.
    pub flags: u64,
    /// The signal's number.
    pub signal: u32,
    /// `si_code`.
    pub code: i32,
    /// `si_errno`.
    pub errno: i32,
    /// 0.
    pub reserved: u32,
}

wire!(SignalDeliver {
    header: Header,
    process: Process,
    handler: u64,
    flags: u64,
    signal: u32,
    code: i32,
    errno: i32,
    reserved: u32,
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_back() {
        for number in 1..=SIGNAL_MAX {
            for expected in SignalResult::ALL {
                let detail = detail(number, expected as u32);
                assert_eq!((signal(detail), result(detail)), (number, Some(expected)));
            }
        }
        assert_eq!(result(detail(1, 7)), None);
    }

    #[test]
    fn senders_come_back() {
        for sender in [Sender::Unknown, Sender::Own, Sender::Kernel] {
            let plain = detail(64, 4);
            assert_eq!(Sender::part(sender.mark(plain)), (sender, plain));
        }
    }

    #[test]
    fn senders_by_code() {
        // SI_USER, SI_QUEUE, SI_MESGQ, SI_TKILL, and what a process may make up.
        assert!([0, -1, -3, -6, -100].into_iter().all(sent_by_process));
        // SI_TIMER, SI_ASYNCIO, SI_SIGIO, SI_KERNEL, CLD_EXITED.
        assert!(![-2, -4, -5, -60, 0x80, 1].into_iter().any(sent_by_process));
    }
}
